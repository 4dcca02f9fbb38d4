using System.Text.Json.Serialization;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>What a study found.</summary>
public sealed record RankStudyResult
{
    /// <summary>Every setting, full fine-tuning last. A training that diverges does not end the study.</summary>
    public required IReadOnlyList<RankStudyRow> Rows { get; init; }

    /// <summary>Where more parameters stop helping.</summary>
    public required int PlateauRank { get; init; }

    /// <summary>The placement that it is for.</summary>
    public required string PlateauTarget { get; init; }

    /// <summary>A sentence or two for a person.</summary>
    public required string Recommendation { get; init; }

    /// <summary>What all trainings have in common, a sentence each: steps, order of the examples, learning rates, scaling.</summary>
    public required IReadOnlyList<string> Rules { get; init; }

    /// <summary>Held-out examples that every training was evaluated on.</summary>
    public required int TestExamples { get; init; }

    /// <summary>How many of them were generated.</summary>
    public required int GeneratedExamples { get; init; }

    /// <summary>Why a small rank is enough; null if the trainings that it is read from diverged.</summary>
    public required RankSpectrum? Spectrum { get; init; }

    /// <summary>The largest size of the data at which a rank did not diverge: ranks are compared there.</summary>
    [JsonIgnore]
    public int ComparedSize => RankPlateau.ComparedSize(Rows);
}
