using System.Runtime.Intrinsics.X86;
using LoraServe.Engine.Kernels.Products;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>The dtype of weights, activations and KV cache.</summary>
internal static class ComputeDtype
{
    /// <summary>
    /// Parses auto, float32 or bfloat16; auto selects bfloat16 if the processor multiplies it natively, else float32.
    /// </summary>
    public static ScalarType Parse(string name) => name switch
    {
        "float32" => ScalarType.Float32,
        "bfloat16" => ScalarType.BFloat16,
        "auto" => cuda.is_available() || HasNativeBFloat16() ? ScalarType.BFloat16 : ScalarType.Float32,
        _ => throw new ArgumentException($"dtype: expected auto, float32 or bfloat16, found \"{name}\"", nameof(name)),
    };

    /// <summary>The public name of a dtype.</summary>
    public static string Name(ScalarType dtype) => dtype == ScalarType.BFloat16 ? "bfloat16" : "float32";

    /// <summary>
    /// The dtype of matrix products in training: that of the weights, but float32 if the processor has no bfloat16 instructions
    /// and would take many times as long.
    /// </summary>
    public static ScalarType OfTraining(ScalarType weights, Device device) =>
        weights == ScalarType.BFloat16 && device.type == TorchSharp.DeviceType.CPU && !HasNativeBFloat16() ? ScalarType.Float32 : weights;

    // .NET has no property for AMX-BF16: CPUID leaf 7, subleaf 0, EDX bit 22. AVX-512 itself must be usable as well, which the operating system
    // decides.
    private static bool HasNativeBFloat16() =>
        DotProduct.HasInstruction || (Avx512F.IsSupported && (X86Base.CpuId(7, 0).Edx & (1 << 22)) != 0);
}
