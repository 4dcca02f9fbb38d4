using LoraServe.Engine.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>One block of memory for many tensors, in pages of 2 MiB where the system gives them, each tensor at the start of a cache line.</summary>
internal sealed unsafe class WeightMemory
{
    // Bytes.
    private const int Alignment = 64;

    private readonly Tensor _block;
    private readonly byte* _start;
    private readonly int _elementSize;
    private long _used;

    /// <param name="dtype">Of all tensors.</param>
    /// <param name="device">Where.</param>
    /// <param name="shapes">Of the tensors that <see cref="Next"/> will give.</param>
    public WeightMemory(ScalarType dtype, Device device, IEnumerable<IReadOnlyList<long>> shapes)
    {
        using var normalMode = inference_mode(false);
        using var one = empty(1, dtype);
        _elementSize = (int)one.element_size();
        _block = empty(Math.Max(shapes.Sum(Aligned), 1), dtype, device).DetachFromDisposeScope();
        if (device.type != DeviceType.CPU) return;
        using var first = _block.narrow(0, 0, 1);
        fixed (byte* start = first.bytes) _start = start;
        HugePages.Advise(_block);
    }

    /// <summary>Bytes in all.</summary>
    public long Bytes => _block.numel() * _elementSize;

    /// <summary>The next tensor and, on the CPU, where its numbers begin; it is a view of the block, which lives as long as any of them.</summary>
    public (Tensor Tensor, nint Address) Next(IReadOnlyList<long> shape)
    {
        using var normalMode = inference_mode(false);
        using var flat = _block.narrow(0, _used, Count(shape));
        var address = (nint)(_start + (_used * _elementSize));
        _used += Aligned(shape);
        return (flat.view([.. shape]).DetachFromDisposeScope(), address);
    }

    /// <summary>Lets go of the block; the tensors keep it.</summary>
    public void Release() => _block.Dispose();

    private static long Count(IReadOnlyList<long> shape) => shape.Aggregate(1L, (product, size) => product * size);

    private long Aligned(IReadOnlyList<long> shape)
    {
        var line = Alignment / _elementSize;
        return (Count(shape) + line - 1) / line * line;
    }
}
