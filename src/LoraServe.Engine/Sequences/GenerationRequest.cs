using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Sampling;

namespace LoraServe.Engine.Sequences;

/// <summary>One sequence to generate, with the text already tokenized and the adapter's name resolved to a lease.</summary>
public sealed record GenerationRequest
{
    /// <summary>Token ids of the prompt, at least one, each within the vocabulary.</summary>
    public required IReadOnlyList<int> Prompt { get; init; }

    /// <summary>How to choose tokens and when to stop.</summary>
    public required SamplingParams Sampling { get; init; }

    /// <summary>
    /// The adapter version to use. The engine disposes the lease when the sequence ends or the request is refused.
    /// </summary>
    public required AdapterLease Adapter { get; init; }

    /// <summary>Whether to use merged weights; null: the adapter's setting.</summary>
    public MergeMode? Mode { get; init; }

    /// <summary>Requests share computed prefixes only with requests of the same salt.</summary>
    public string CacheSalt { get; init; } = "";

    /// <summary>An opaque key of the owner: owners get equal shares of the engine on each adapter. Requests without one share one owner.</summary>
    public string Owner { get; init; } = "";

    /// <summary>
    /// The ticket taken before the request waited for its adapter, so that the wait does not cost its place in the queue;
    /// 0: it arrives when it is submitted.
    /// </summary>
    public long Arrival { get; init; }
}
