using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>
/// One immutable adapter version in memory. Its tensors are in no dispose scope, are no inference tensors and need no gradient;
/// disposing the adapter frees them.
/// </summary>
internal sealed class LoraAdapter(string version, IReadOnlyDictionary<string, LoraWeights> modules) : IDisposable
{
    /// <summary>The bare base model: no modules, so that disposing it does nothing.</summary>
    public static readonly LoraAdapter Base = new("base", new Dictionary<string, LoraWeights>());

    /// <summary>SHA-256 of its content, lower-case hexadecimal; "base" for the base.</summary>
    public string Version { get; } = version;

    /// <summary>A and B by the path of the linear module that they update.</summary>
    public IReadOnlyDictionary<string, LoraWeights> Modules { get; } = modules;

    /// <summary>Memory of all tensors.</summary>
    public long Bytes { get; } = modules.Values.Sum(weights => weights.Bytes);

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        foreach (var weights in Modules.Values)
        {
            weights.A.Dispose();
            weights.B.Dispose();
        }
    }
}

/// <summary>A [r, in] and B [out, r] of one module, contiguous, in the compute dtype; scaling is already in B.</summary>
internal sealed record LoraWeights(Tensor A, Tensor B)
{
    /// <summary>Memory of both.</summary>
    public long Bytes => (A.numel() * A.element_size()) + (B.numel() * B.element_size());
}
