using System.Text.Json.Serialization;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>One setting of a study, over its seeds.</summary>
public sealed record RankStudyRow
{
    /// <summary>r; null for full fine-tuning.</summary>
    public required int? Rank { get; init; }

    /// <summary>attention, all-linear, names of modules, or full.</summary>
    public required string Target { get; init; }

    /// <summary>Number of training examples.</summary>
    public required int DataSize { get; init; }

    /// <summary>Number of trained weights.</summary>
    public required long Parameters { get; init; }

    /// <summary>The same as a fraction of the base's weights.</summary>
    public required double Share { get; init; }

    /// <summary>Bytes of the adapter's file, or of the checkpoint's; 0 if every seed diverged.</summary>
    public required long Bytes { get; init; }

    /// <summary>Mean time of one training that did not diverge, its evaluation included.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Bytes of parameters, gradients and optimiser state.</summary>
    public required long TrainingBytes { get; init; }

    /// <summary>Seeds whose training diverged, and which have no figures.</summary>
    public int Diverged { get; init; }

    /// <summary>Held-out loss of each seed that did not diverge.</summary>
    public required IReadOnlyList<double> Losses { get; init; }

    /// <summary>Held-out exact match of each of them; empty if nothing was generated.</summary>
    public required IReadOnlyList<double> ExactMatches { get; init; }

    /// <summary>Examples behind each exact match; 0 if unknown.</summary>
    public int GeneratedExamples { get; init; }

    /// <summary>Held-out loss, its error over seeds alone; null if every seed diverged.</summary>
    [JsonIgnore]
    public Spread? Loss => Losses.Count == 0 ? null : Spread.Of(Losses);

    /// <summary>
    /// Held-out exact match, its error over seeds and test examples; null if nothing was generated, or every seed diverged.
    /// </summary>
    [JsonIgnore]
    public Spread? ExactMatch => (ExactMatches.Count, GeneratedExamples) switch
    {
        (0, _) => null,
        (_, 0) => Spread.Of(ExactMatches),
        _ => Spread.OfShares(ExactMatches, GeneratedExamples),
    };
}
