using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>One training of a study.</summary>
/// <param name="Rank">r; null for full fine-tuning.</param>
/// <param name="Target">The placement, or <see cref="Full"/>.</param>
/// <param name="DataSize">Examples that it is trained on.</param>
/// <param name="Seed">Index of the seed, from 0.</param>
/// <param name="Request">The training; its folder is that of the study.</param>
internal sealed record RankTraining(int? Rank, string Target, int DataSize, int Seed, TrainingRequest Request)
{
    /// <summary>The target of full fine-tuning.</summary>
    public const string Full = "full";

    /// <summary>As text.</summary>
    public string Title => Rank is null
        ? $"full fine-tuning, {DataSize:N0} examples, seed {Seed + 1}"
        : $"r = {Rank} on {Target}, {DataSize:N0} examples, seed {Seed + 1}";
}
