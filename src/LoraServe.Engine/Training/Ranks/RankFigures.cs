using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>What one training of a study came to.</summary>
internal sealed record RankFigures
{
    /// <summary>Weights that were trained.</summary>
    public required long Parameters { get; init; }

    /// <summary>Bytes of the tensor files that it ended in; 0 where it diverged.</summary>
    public required long Bytes { get; init; }

    /// <summary>Time that it worked; 0 where it diverged.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>On the held-out examples; null if it diverged.</summary>
    public required EvaluationFigures? Figures { get; init; }

    /// <summary>Where its adapter was, and is where adapters are kept; empty where it diverged.</summary>
    public required string Folder { get; init; }
}
