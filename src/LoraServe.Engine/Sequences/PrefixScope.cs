using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Sequences;

/// <summary>
/// What keys and values depend on besides the tokens. Blocks are shared within one scope only. The base is not part of it: one process
/// serves one base, whose weights never change, and its KV cache lives no longer than the process.
/// </summary>
/// <param name="Salt">Isolates tenants: <see cref="GenerationRequest.CacheSalt"/>.</param>
/// <param name="Version">The adapter's version, which covers its values and its scale.</param>
/// <param name="Mode">What was asked for: merged and unmerged weights round differently, and who asks for one gets no value of the other.</param>
/// <param name="Start">
/// The position from which the adapter acts. An invocation may begin in one block and end in the next, so that the tokens of a block alone
/// do not tell where it begins.
/// </param>
internal sealed record PrefixScope(string Salt, string Version, MergeMode Mode, int Start)
{
    /// <summary>Tokens on which no adapter acts, whatever adapter the request names.</summary>
    public static PrefixScope Base(string salt) => new(salt, LoraAdapter.Base.Version, MergeMode.Auto, 0);
}
