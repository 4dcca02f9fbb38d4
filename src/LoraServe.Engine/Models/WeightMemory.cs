using LoraServe.Engine.Kernels;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>One block of memory for many tensors, in pages of 2 MiB where the system gives them, each tensor at the start of a cache line.</summary>
/// <param name="block">From <see cref="Allocate"/>; stays the caller's.</param>
internal sealed class WeightMemory(Tensor block)
{
    // Bytes.
    private const int Alignment = 64;

    private long _used;

    /// <summary>Elements that tensors of these shapes take.</summary>
    /// <param name="shapes">The shapes.</param>
    /// <param name="elementSize">Bytes of an element.</param>
    public static long Elements(IEnumerable<long[]> shapes, long elementSize) => shapes.Sum(shape => Aligned(shape, elementSize));

    /// <summary>A block of so many elements, in no dispose scope; the caller owns it.</summary>
    public static Tensor Allocate(long elements, ScalarType dtype, Device device)
    {
        using var normalMode = inference_mode(false);
        var block = empty(elements, dtype, device).DetachFromDisposeScope();
        HugePages.Advise(block);
        return block;
    }

    /// <summary>A view of the block for the next tensor, in no dispose scope; the caller owns it.</summary>
    public Tensor Next(long[] shape)
    {
        using var normalMode = inference_mode(false);
        using var flat = block.narrow(0, _used, Count(shape));
        _used += Aligned(shape, block.element_size());
        return flat.view(shape).DetachFromDisposeScope();
    }

    private static long Count(long[] shape) => shape.Aggregate(1L, (product, size) => product * size);

    private static long Aligned(long[] shape, long elementSize)
    {
        var line = Alignment / elementSize;
        return (Count(shape) + line - 1) / line * line;
    }
}
