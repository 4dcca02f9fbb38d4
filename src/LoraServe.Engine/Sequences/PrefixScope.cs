using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Sequences;

/// <summary>
/// Everything that keys and values depend on besides the tokens. Blocks are shared only within a scope. The base is not part of it: a process
/// serves one base with constant weights, and the KV cache does not outlive the process.
/// </summary>
/// <param name="Salt">Isolates tenants: <see cref="GenerationRequest.CacheSalt"/>.</param>
/// <param name="Version">The adapter's version, which covers its values and its scale.</param>
/// <param name="Mode">The requested mode: merged and unmerged weights round differently, so a request for one must not reuse values of the other.</param>
/// <param name="Start">
/// The position from which the adapter acts. An invocation may span two blocks, so the tokens of a block alone
/// do not determine it.
/// </param>
internal sealed record PrefixScope(string Salt, AdapterVersionId Version, MergeMode Mode, int Start)
{
    /// <summary>Tokens on which no adapter acts, whatever adapter the request names.</summary>
    public static PrefixScope Base(string salt) => new(salt, LoraAdapter.Base.Version, MergeMode.Auto, 0);
}
