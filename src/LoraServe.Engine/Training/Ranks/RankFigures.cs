using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>The result of one training of a study.</summary>
internal sealed record RankFigures
{
    /// <summary>Number of trained weights.</summary>
    public required long Parameters { get; init; }

    /// <summary>Bytes of the saved tensor files; 0 if it diverged.</summary>
    public required long Bytes { get; init; }

    /// <summary>Time it worked; 0 if it diverged.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>On the held-out examples; null if it diverged.</summary>
    public required EvaluationFigures? Figures { get; init; }

    /// <summary>The adapter's folder, which exists only if adapters are kept; empty if it diverged.</summary>
    public required string Folder { get; init; }
}
