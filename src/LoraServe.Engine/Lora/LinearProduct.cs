using System.Runtime.InteropServices;
using LoraServe.Engine.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>
/// y = x W^T + b: by <see cref="FewRowsProduct"/> for the few rows of a decode step in bfloat16 on a processor that supports it, else by libtorch,
/// which is faster for many rows.
/// </summary>
internal static unsafe class LinearProduct
{
    // Measured on a processor with AVX512_BF16 (docs/benchmarks.md): a step of 1 row takes 0.53 of the time with libtorch's products, one of 8
    // rows 0.8, one of 16 rows 0.9. With more rows the dot-product instruction, which only libtorch uses, catches up.
    private const int MostRows = 16;

    /// <summary>x [tokens, in] to y [tokens, out]; the caller owns y.</summary>
    /// <param name="x">In the compute dtype.</param>
    /// <param name="weight">W [out, in].</param>
    /// <param name="bias">b [out], or null.</param>
    public static Tensor Compute(Tensor x, Tensor weight, Tensor? bias)
    {
        if (!IsOurs(x, weight)) return nn.functional.linear(x, weight, bias);
        var y = empty(x.size(0), weight.size(0), x.dtype, x.device);
        using var first = weight.narrow(0, 0, 1);
        fixed (byte* address = first.bytes)
        {
            FewRowsProduct.Run(
                Values(x), (ushort*)address, bias is null ? [] : Values(bias), Values(y), (int)weight.size(1), (int)weight.size(0), get_num_threads());
        }

        return y;
    }

    private static bool IsOurs(Tensor x, Tensor weight) =>
        FewRowsProduct.IsSupported
        && x.dtype == ScalarType.BFloat16
        && x.device_type == DeviceType.CPU
        && x.size(0) is > 0 and <= MostRows
        && x.size(1) % FewRowsProduct.Block == 0
        && x.is_contiguous()
        && weight.is_contiguous();

    private static Span<ushort> Values(Tensor tensor) => MemoryMarshal.Cast<byte, ushort>(tensor.bytes);
}
