using System.Text.Json.Serialization;
using LoraServe.Api.Adapters;

namespace LoraServe.Api.FineTuning;

/// <summary>Where a name shall point, and on which conditions.</summary>
public sealed record PromotionRequest
{
    /// <summary>The name, new or not; absent: the checkpoint's own, or that of the training.</summary>
    /// <example>summarize</example>
    public string? Alias { get; init; }

    /// <summary>
    /// What must hold of the figures on held-out examples: exact_match, loss, perplexity, token_accuracy; with &gt;=, &gt;, &lt;= or &lt;.
    /// </summary>
    /// <example>{"exact_match": "&gt;=0.9"}</example>
    public IReadOnlyDictionary<string, string>? If { get; init; }
}

/// <summary>A name that points at what a training made.</summary>
public sealed record PromotionResource
{
    /// <summary>Always fine_tuning.promotion.</summary>
    /// <example>fine_tuning.promotion</example>
    public string Object { get; init; } = "fine_tuning.promotion";

    /// <summary>The training.</summary>
    /// <example>ftjob-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public required string FineTuningJobId { get; init; }

    /// <summary>After which of its steps.</summary>
    /// <example>400</example>
    public required int StepNumber { get; init; }

    /// <summary>The name.</summary>
    /// <example>summarize</example>
    public required string Alias { get; init; }

    /// <summary>The version that it points at now.</summary>
    /// <example>9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</example>
    public required string Version { get; init; }

    /// <summary>The one before, which rollback brings back; null where the name is new.</summary>
    /// <example>03763076cc6e21b04bb34b336dd892aac65dbaed2e4649e490d60d70a25e4d3f</example>
    public required string? PreviousVersion { get; init; }

    /// <summary>Its figures on held-out examples; null where there are none.</summary>
    public required FiguresResource? Figures { get; init; }

    /// <summary>The adapter under this name; absent for keys without adapters:read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AdapterResource? Adapter { get; init; }
}
