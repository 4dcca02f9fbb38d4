using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LoraServe.Engine.Kernels.Lanes;

/// <summary>8 numbers: AVX2 with fused multiply-add.</summary>
internal readonly unsafe struct Lanes8(Vector256<float> value) : ILanes<Lanes8>
{
    private readonly Vector256<float> _value = value;

    /// <summary>The numbers.</summary>
    public Vector256<float> Value => _value;

    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Create(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Load(ushort* source) => new((Avx2.ConvertToVector256Int32(Vector128.Load(source)).AsUInt32() << BFloat16.DroppedBits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Lanes8 Even, Lanes8 Odd) LoadPairs(ushort* source)
    {
        var pairs = Vector256.Load((uint*)source);
        return (new((pairs << BFloat16.DroppedBits).AsSingle()), new((pairs & Vector256.Create(0xFFFF0000u)).AsSingle()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes8 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes8 value, ushort* target)
    {
        var bits = value._value.AsUInt32();
        var odd = (bits >> BFloat16.DroppedBits) & Vector256<uint>.One;
        var nearest = (bits + Vector256.Create(0x7FFFu) + odd) >> BFloat16.DroppedBits;
        Vector128.Narrow(nearest.GetLower(), nearest.GetUpper()).Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 MultiplyAdd(Lanes8 x, Lanes8 y, Lanes8 z) => new(Vector256.FusedMultiplyAdd(x._value, y._value, z._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Max(Lanes8 x, Lanes8 y) => new(Vector256.Max(x._value, y._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 Exp(Lanes8 x)
    {
        var n = Vector256.Floor(Vector256.FusedMultiplyAdd(Clamped(x)._value, Vector256.Create(ExpSeries.Log2E), Vector256.Create(0.5f)));
        var scale = (Vector256.ConvertToInt32Native(n) + Vector256.Create(127)) << 23;
        return ExpSeries.Of(Clamped(x), new Lanes8(n)) * new Lanes8(scale.AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes8 x) => Lanes4.Sum(new Lanes4(x._value.GetLower() + x._value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lanes8 x) => Lanes4.Largest(new Lanes4(Vector128.Max(x._value.GetLower(), x._value.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator +(Lanes8 x, Lanes8 y) => new(x._value + y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator -(Lanes8 x, Lanes8 y) => new(x._value - y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator *(Lanes8 x, Lanes8 y) => new(x._value * y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes8 operator /(Lanes8 x, Lanes8 y) => new(x._value / y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lanes8 Clamped(Lanes8 x) =>
        new(Vector256.Min(Vector256.Max(x._value, Vector256.Create(ExpSeries.Lowest)), Vector256.Create(ExpSeries.Highest)));
}
