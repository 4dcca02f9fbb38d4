using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraServe.Engine.Kernels.Lanes;

/// <summary>bfloat16 as the upper half of a float32.</summary>
internal static class BFloat16
{
    /// <summary>Bits of a float32 that a bfloat16 lacks.</summary>
    public const int DroppedBits = 16;

    /// <summary>The same value in float32.</summary>
    public static float Widen(ushort value) => BitConverter.UInt32BitsToSingle((uint)value << DroppedBits);

    /// <summary>Rounds to the nearest bfloat16, ties to even; keeps infinities and the NaN of arithmetic.</summary>
    public static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + (0x7FFF + ((bits >> DroppedBits) & 1))) >> DroppedBits);
    }

    /// <summary>32 values widened, the first 16 in the first half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Widen(Vector512<ushort> values)
    {
        var (first, second) = Vector512.Widen(values);
        return ((first << DroppedBits).AsSingle(), (second << DroppedBits).AsSingle());
    }

    /// <summary>32 values rounded as <see cref="Round(float)"/> does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ushort> Round(Vector512<float> first, Vector512<float> second) =>
        Vector512.Narrow(Nearest(first.AsUInt32()), Nearest(second.AsUInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Nearest(Vector512<uint> bits)
    {
        var odd = (bits >> DroppedBits) & Vector512<uint>.One;
        return (bits + Vector512.Create(0x7FFFu) + odd) >> DroppedBits;
    }
}
