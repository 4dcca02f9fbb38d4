using System.ComponentModel.DataAnnotations;

namespace LoraServe.Api.Evaluations;

/// <summary>A comparison of adapters on a file that is wanted.</summary>
public sealed record EvaluationRequest
{
    /// <summary>Adapters, versions as name@version, sums like a:0.7,b:0.3, or base for the base model.</summary>
    /// <example>["base", "sql", "ft:loraserve-demo:support"]</example>
    [Required]
    public IReadOnlyList<string>? Adapters { get; init; }

    /// <summary>Id of a file of examples.</summary>
    /// <example>file-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    [Required]
    public string? File { get; init; }

    /// <summary>How many examples are generated, greedily, and compared with what is expected: the first ones.</summary>
    /// <example>100</example>
    [Range(0, 1_000_000)]
    public int Generate { get; init; } = 100;

    /// <summary>Of how many examples the answer has the single results: the first ones.</summary>
    /// <example>100</example>
    [Range(0, 1000)]
    public int Examples { get; init; } = 100;

    /// <summary>Whether examples that are longer than the context are left out, instead of being faults.</summary>
    /// <example>false</example>
    public bool SkipTooLong { get; init; }
}
