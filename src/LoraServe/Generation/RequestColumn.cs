using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;

namespace LoraServe.Generation;

/// <summary>The part of a request that one adapter answers: all of it, or one column of a comparison.</summary>
/// <param name="Adapter">The adapter; null for the base model.</param>
/// <param name="Prompts">What it continues.</param>
internal sealed record RequestColumn(AdapterReference? Adapter, IPromptSource Prompts);

/// <summary>Prompts that are not token ids yet.</summary>
internal interface IPromptSource
{
    /// <summary>Number of prompts.</summary>
    int Count { get; }

    /// <summary>Encodes them while the adapter loads. A source that depends on the adapter, such as by its chat template, awaits it.</summary>
    /// <param name="adapter">The lease, which stays the caller's.</param>
    /// <param name="cancellationToken">Ends the work when the client disconnects.</param>
    Task<IReadOnlyList<GenerationPrompt>> EncodeAsync(Task<AdapterLease> adapter, CancellationToken cancellationToken);
}
