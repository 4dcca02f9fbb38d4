using System.Numerics;
using LoraServe.Engine.Kernels;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// Memory for tensors that are freed in reverse order of creation. It is not returned in between: zeroing pages
/// from the system at every step takes longer than computing in them.
/// </summary>
/// <param name="dtype">Of all tensors.</param>
/// <param name="device">Where they are.</param>
internal sealed class TensorStack(ScalarType dtype, Device device) : IDisposable
{
    /// <summary>Minimum elements of a chunk of memory.</summary>
    public const long ChunkSize = 16 << 20;

    /// <summary>Alignment of a tensor in its chunk, in elements: a multiple of a cache line.</summary>
    public const long Alignment = 64;

    private readonly List<(Tensor Memory, long Size)> _chunks = [];
    private (int Chunk, long Used) _top;

    /// <summary>Bytes held.</summary>
    public long Bytes => _chunks.Sum(chunk => chunk.Size * chunk.Memory.element_size());

    /// <summary>The current top, for <see cref="Release"/>.</summary>
    public (int Chunk, long Used) Top => _top;

    /// <summary>A contiguous uninitialised tensor in the current dispose scope, valid until a lower mark is released.</summary>
    public Tensor Push(params ReadOnlySpan<long> shape)
    {
        var count = 1L;
        foreach (var size in shape) count *= size;
        var needed = (count + Alignment - 1) / Alignment * Alignment;
        var free = _top.Used == 0 ? _top.Chunk : _top.Chunk + 1;
        while (_top.Chunk < _chunks.Count && _top.Used + needed > _chunks[_top.Chunk].Size) _top = (_top.Chunk + 1, 0);
        if (_top.Chunk == _chunks.Count) Grow(free, needed);
        using var part = _chunks[_top.Chunk].Memory.narrow(0, _top.Used, count);
        _top.Used += needed;
        return part.view(shape.ToArray());
    }

    /// <summary>Frees everything above a mark.</summary>
    public void Release((int Chunk, long Used) top) => _top = top;

    /// <summary>Returns the memory to the system.</summary>
    public void Dispose()
    {
        foreach (var (memory, _) in _chunks) memory.Dispose();
        _chunks.Clear();
        _top = default;
    }

    // Replaces free chunks that are too small, with some room to spare: ever longer examples would
    // otherwise leave a trail of chunks too small to reuse.
    private void Grow(int free, long needed)
    {
        for (var i = free; i < _chunks.Count; i++) _chunks[i].Memory.Dispose();
        if (free < _chunks.Count) _chunks.RemoveRange(free, _chunks.Count - free);
        _top = (_chunks.Count, 0);
        var size = needed <= ChunkSize ? ChunkSize : (long)BitOperations.RoundUpToPowerOf2((ulong)needed);
        var memory = empty(size, dtype, device).DetachFromDisposeScope();
        HugePages.Advise(memory);
        _chunks.Add((memory, size));
    }
}
