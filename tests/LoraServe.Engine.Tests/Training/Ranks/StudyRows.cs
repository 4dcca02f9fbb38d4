using LoraServe.Engine.Training.Ranks;

namespace LoraServe.Engine.Tests.Training.Ranks;

/// <summary>Rows of a study.</summary>
internal static class StudyRows
{
    public static RankStudyRow Row(int? rank, double[] exactMatches, string target = "all-linear", int size = 100, double[]? losses = null, int diverged = 0, int generated = 0) => new()
    {
        Rank = rank,
        Target = rank is null ? "full" : target,
        DataSize = size,
        Parameters = 1000 * (rank ?? 1000),
        Share = 0.01 * (rank ?? 100),
        Bytes = 4096 * (rank ?? 1000),
        Elapsed = TimeSpan.FromSeconds(10),
        TrainingBytes = 16_000 * (rank ?? 1000),
        Diverged = diverged,
        Losses = losses ?? [.. exactMatches.Select(match => 1 - match)],
        ExactMatches = exactMatches,
        GeneratedExamples = generated,
    };
}
