using LoraServe.Engine.Training.Ranks;

namespace LoraServe.Tests.Plots;

/// <summary>A study with two placements, two sizes of the data and full fine-tuning.</summary>
internal static class SampleStudy
{
    public static RankStudyResult Result(int generated = 100) => new()
    {
        Rows =
        [
            .. from target in new[] { "attention", "all-linear" }
               from size in new[] { 100, 400 }
               from rank in new[] { 1, 2, 4 }
               select Row(rank, target, size, generated),
            Row(null, "full", 100, generated),
            Row(null, "full", 400, generated),
        ],
        PlateauRank = 2,
        PlateauTarget = "all-linear",
        Recommendation = "Take r = 2 on all-linear: <b>good</b>.",
        Rules = ["Every training makes 10 steps."],
        TestExamples = 100,
        GeneratedExamples = generated,
        Spectrum = new RankSpectrum(4, "all-linear", [.. new[] { "q_proj", "v_proj", "up_proj" }.Select(Module)]),
    };

    private static RankStudyRow Row(int? rank, string target, int size, int generated) => new()
    {
        Rank = rank,
        Target = target,
        DataSize = size,
        Parameters = 1000 * (rank ?? 100),
        Share = 0.01 * (rank ?? 100),
        Bytes = 4000 * (rank ?? 100),
        Elapsed = TimeSpan.FromSeconds(12),
        TrainingBytes = 16_000 * (rank ?? 100),
        Losses = [0.4 / (rank ?? 4), 0.5 / (rank ?? 4)],
        GeneratedExamples = generated,
        ExactMatches = generated == 0 ? [] : [0.9 - (0.2 / (rank ?? 4)), 0.92 - (0.2 / (rank ?? 4))],
    };

    private static ModuleSpectrum Module(string name) =>
        new($"model.layers.0.{name}", 64, [2, 1, 0.5, 0], 2.6, [[1, 1, 1], [1, 0.9, 0.8], [1, 0.8, 0.7]]);
}
