using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Sampling;

namespace LoraServe.Engine.Sequences;

/// <summary>One sequence to generate: text has already become tokens, a name has already become a lease.</summary>
public sealed record GenerationRequest
{
    /// <summary>Token ids of the prompt, at least one, each within the vocabulary.</summary>
    public required IReadOnlyList<int> Prompt { get; init; }

    /// <summary>How to choose tokens and when to stop.</summary>
    public required SamplingParams Sampling { get; init; }

    /// <summary>
    /// The adapter version to run on. The engine disposes the lease when the sequence ends, or where it refuses the request.
    /// </summary>
    public required AdapterLease Adapter { get; init; }

    /// <summary>Whether to run on merged weights; null: as the adapter is set.</summary>
    public MergeMode? Mode { get; init; }

    /// <summary>Requests share computed prefixes only with requests of the same salt.</summary>
    public string CacheSalt { get; init; } = "";

    /// <summary>Its owner, opaque: owners have equal shares of the engine on each adapter. All without one are one owner.</summary>
    public string Owner { get; init; } = "";

    /// <summary>
    /// The ticket that the engine gave before the request waited for its adapter, so that it lost no place in line
    /// by that; 0: it arrives when it is submitted.
    /// </summary>
    public long Arrival { get; init; }
}
