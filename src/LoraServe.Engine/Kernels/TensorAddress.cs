using static TorchSharp.torch;

namespace LoraServe.Engine.Kernels;

/// <summary>Where the numbers of a tensor lie in memory.</summary>
internal static unsafe class TensorAddress
{
    /// <summary>The first number.</summary>
    /// <param name="tensor">On the CPU, with at least one row, whose numbers lie one after the other.</param>
    public static nint Of(Tensor tensor)
    {
        // Of the first row: TorchSharp gives no bytes of a non-contiguous tensor, and none of more than 2 GiB.
        using var row = tensor.narrow(0, 0, 1);
        fixed (byte* address = row.bytes) return (nint)address;
    }
}
