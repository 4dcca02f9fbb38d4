using System.Numerics;
using LoraServe.Engine.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// Memory for tensors that are freed in the order opposite to that in which they were made. It is never given back in between: pages that
/// the system hands out anew at every step take longer than what is computed in them.
/// </summary>
/// <param name="dtype">Of all tensors.</param>
/// <param name="device">Where they are.</param>
internal sealed class TensorStack(ScalarType dtype, Device device) : IDisposable
{
    /// <summary>Least elements of a chunk of memory.</summary>
    public const long ChunkSize = 16 << 20;

    /// <summary>Where a tensor begins in its chunk, in elements: a multiple of a line of the processor's cache.</summary>
    public const long Alignment = 64;

    private readonly List<(Tensor Memory, long Size)> _chunks = [];
    private (int Chunk, long Used) _top;

    /// <summary>Memory that it holds.</summary>
    public long Bytes => _chunks.Sum(chunk => chunk.Size * chunk.Memory.element_size());

    /// <summary>What is in use, to be given to <see cref="Release"/>.</summary>
    public (int Chunk, long Used) Top => _top;

    /// <summary>A contiguous tensor of any values, in the current dispose scope, valid until what is below it is released.</summary>
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

    /// <summary>Frees what was made since.</summary>
    public void Release((int Chunk, long Used) top) => _top = top;

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (var (memory, _) in _chunks) memory.Dispose();
        _chunks.Clear();
        _top = default;
    }

    // In place of the free chunks that are too small, and for somewhat more than is asked for: examples that are longer and longer would
    // otherwise leave a trail of chunks that nothing fits into any more.
    private void Grow(int free, long needed)
    {
        for (var i = free; i < _chunks.Count; i++) _chunks[i].Memory.Dispose();
        if (free < _chunks.Count) _chunks.RemoveRange(free, _chunks.Count - free);
        _top = (_chunks.Count, 0);
        var size = needed <= ChunkSize ? ChunkSize : (long)BitOperations.RoundUpToPowerOf2((ulong)needed);
        var memory = empty(size, dtype, device).DetachFromDisposeScope();
        if (device.type == DeviceType.CPU && size * memory.element_size() <= int.MaxValue) HugePages.Advise(memory.bytes);
        _chunks.Add((memory, size));
    }
}
