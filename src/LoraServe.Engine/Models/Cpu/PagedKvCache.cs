using LoraServe.Engine.Kernels;
using LoraServe.Engine.Kernels.Decoding;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>
/// Keys and values of every layer in the blocks of the scheduler, as the CPU's kernels read them: the keys of a block by dimension
/// [headDim, blockSize], its values by token [blockSize, headDim]. Allocated once; pages that are never written cost nothing on systems that commit
/// lazily.
/// </summary>
internal sealed unsafe class PagedKvCache : IDisposable
{
    private readonly long _headBytes;
    private readonly long _layerBytes;
    private readonly AlignedMemory _keys;
    private readonly AlignedMemory _values;

    /// <param name="layers">Layers of the model.</param>
    /// <param name="blocks">Blocks.</param>
    /// <param name="blockSize">Tokens of a block.</param>
    /// <param name="kvHeads">Key and value heads.</param>
    /// <param name="headDim">Size of a head.</param>
    /// <param name="elementBytes">Bytes of a stored number.</param>
    public PagedKvCache(int layers, int blocks, int blockSize, int kvHeads, int headDim, int elementBytes)
    {
        Shape = new AttentionShape(headDim, blockSize, (long)kvHeads * headDim * blockSize);
        _headBytes = (long)headDim * blockSize * elementBytes;
        _layerBytes = _headBytes * kvHeads * blocks;
        _keys = new AlignedMemory(_layerBytes * layers);
        _values = new AlignedMemory(_layerBytes * layers);
    }

    /// <summary>Sizes.</summary>
    public AttentionShape Shape { get; }

    /// <summary>A head's keys in the first block of a layer.</summary>
    public byte* Keys(int layer, int head) => _keys.Address + (layer * _layerBytes) + (head * _headBytes);

    /// <summary>A head's values in the first block of a layer.</summary>
    public byte* Values(int layer, int head) => _values.Address + (layer * _layerBytes) + (head * _headBytes);

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }
}
