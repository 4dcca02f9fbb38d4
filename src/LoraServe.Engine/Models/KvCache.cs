using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>
/// Keys and values of every layer, in memory allocated once for the life of the engine. Addressed by position: block * block size +
/// offset. The scheduler, not the cache, tracks which sequence holds which blocks.
/// </summary>
internal sealed class KvCache : IDisposable
{
    // per layer [positions, kvHeads, headDim]
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;

    /// <summary>Reserves the memory; pages that are never written cost nothing on systems that commit lazily.</summary>
    public KvCache(int layers, int positions, int kvHeads, int headDim, ScalarType dtype, Device device)
    {
        _keys = [.. Enumerable.Range(0, layers).Select(_ => Allocate())];
        _values = [.. Enumerable.Range(0, layers).Select(_ => Allocate())];

        Tensor Allocate() => empty([positions, kvHeads, headDim], dtype: dtype, device: device).DetachFromDisposeScope();
    }

    /// <summary>Stores keys and values [tokens, kvHeads, headDim] of new tokens at their positions in the cache [tokens].</summary>
    public void Write(int layer, Tensor positions, Tensor keys, Tensor values)
    {
        _keys[layer].index_copy_(0, positions, keys);
        _values[layer].index_copy_(0, positions, values);
    }

    /// <summary>Keys and values at the given positions in the cache [context], each [context, kvHeads, headDim]; the caller owns them.</summary>
    public (Tensor Keys, Tensor Values) Read(int layer, Tensor positions) =>
        (_keys[layer].index_select(0, positions), _values[layer].index_select(0, positions));

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var tensor in _keys.Concat(_values)) tensor.Dispose();
    }
}
