using System.Text.Json.Serialization;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>The result of a study.</summary>
public sealed record RankStudyResult
{
    /// <summary>Every setting, full fine-tuning last. A diverging training does not end the study.</summary>
    public required IReadOnlyList<RankStudyRow> Rows { get; init; }

    /// <summary>The rank from which more parameters stop helping.</summary>
    public required int PlateauRank { get; init; }

    /// <summary>The placement of that rank.</summary>
    public required string PlateauTarget { get; init; }

    /// <summary>The recommendation, as text.</summary>
    public required string Recommendation { get; init; }

    /// <summary>What all trainings have in common, a sentence each: steps, order of the examples, learning rates, scaling.</summary>
    public required IReadOnlyList<string> Rules { get; init; }

    /// <summary>Number of held-out examples of each evaluation.</summary>
    public required int TestExamples { get; init; }

    /// <summary>How many of them were generated.</summary>
    public required int GeneratedExamples { get; init; }

    /// <summary>Spectra that show why a small rank is enough; null if those trainings diverged.</summary>
    public required RankSpectrum? Spectrum { get; init; }

    /// <summary>The largest size of the data at which a rank did not diverge: ranks are compared there.</summary>
    [JsonIgnore]
    public int ComparedSize => RankPlateau.ComparedSize(Rows);
}
