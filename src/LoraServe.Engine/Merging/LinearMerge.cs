using System.Runtime.InteropServices;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Merging;

/// <summary>
/// The arithmetic of merging (Hu et al. 2021, section 4.1): W' = scale * W + B A and b' = scale * b + shift, computed in float32 from the
/// pristine W and b and rounded once to the compute dtype.
/// </summary>
internal static class LinearMerge
{
    // Weights merged at a time where that needs float32 copies: 16 MB, so that copies stay small beside the model. Not measured.
    private const long BlockSize = 1 << 22;

    /// <summary>Merges the weight of one module.</summary>
    /// <param name="weight">W [out, in], only read.</param>
    /// <param name="lora">The update, in the same dtype.</param>
    /// <param name="merged">W' [out, in], written to, in the same dtype.</param>
    public static void MergeWeight(Tensor weight, LowRankUpdate lora, Tensor merged)
    {
        using var scope = NewDisposeScope();
        var (a, b, scale) = (Wide(lora.A), Wide(lora.B), lora.Scale is null ? null : Wide(lora.Scale));
        var blockRows = Math.Max(1, BlockSize / weight.size(1));
        for (var row = 0L; row < weight.size(0); row += blockRows)
        {
            using var block = NewDisposeScope();
            var rows = Math.Min(blockRows, weight.size(0) - row);
            MergeRows(weight.narrow(0, row, rows), b.narrow(0, row, rows), a, scale?.narrow(0, row, rows), merged.narrow(0, row, rows));
        }
    }

    /// <summary>Merges the bias of one module.</summary>
    /// <param name="bias">b [out], only read, or null for none.</param>
    /// <param name="lora">The update.</param>
    /// <param name="merged">b' [out], written to.</param>
    public static void MergeBias(Tensor? bias, LowRankUpdate lora, Tensor merged)
    {
        using var scope = NewDisposeScope();
        var sum = bias is null ? zeros_like(merged, ScalarType.Float32) : Wide(bias);
        if (lora.Scale is not null) sum = sum.mul(Wide(lora.Scale));
        if (lora.Shift is not null) sum = sum.Plus(Wide(lora.Shift));
        merged.copy_(sum);
    }

    private static void MergeRows(Tensor weight, Tensor b, Tensor a, Tensor? scale, Tensor merged)
    {
        if (weight.dtype == ScalarType.BFloat16 && weight.device_type == TorchSharp.DeviceType.CPU)
        {
            LowRankMerge.Run(
                MemoryMarshal.Cast<byte, ushort>(weight.bytes),
                Floats(b),
                Floats(a),
                scale is null ? [] : Floats(scale),
                MemoryMarshal.Cast<byte, ushort>(merged.bytes),
                (int)weight.size(1),
                get_num_threads());
            return;
        }

        var sum = Wide(weight);
        if (scale is not null) sum = sum.mul(scale.unsqueeze(1));
        if (a.size(0) > 0) sum = addmm(sum, b, a, 1, 1);
        merged.copy_(sum);
    }

    private static Tensor Wide(Tensor tensor) => tensor.to(ScalarType.Float32);

    private static ReadOnlySpan<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
}
