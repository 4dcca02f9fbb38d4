using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LoraServe.Engine.Kernels.Lanes;

/// <summary>16 numbers: AVX-512.</summary>
internal readonly unsafe struct Lanes16(Vector512<float> value) : ILanes<Lanes16>
{
    private readonly Vector512<float> _value = value;

    public static bool IsSupported => Avx512F.IsSupported && Avx512BW.IsSupported;

    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Create(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Load(ushort* source) => new((Avx512F.ConvertToVector512UInt32(Vector256.Load(source)) << BFloat16.DroppedBits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Lanes16 Even, Lanes16 Odd) LoadPairs(ushort* source)
    {
        var pairs = Vector512.Load((uint*)source);
        return (new((pairs << BFloat16.DroppedBits).AsSingle()), new((pairs & Vector512.Create(0xFFFF0000u)).AsSingle()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes16 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes16 value, ushort* target)
    {
        var bits = value._value.AsUInt32();
        var odd = (bits >> BFloat16.DroppedBits) & Vector512<uint>.One;
        var nearest = (bits + Vector512.Create(0x7FFFu) + odd) >> BFloat16.DroppedBits;
        Avx512F.ConvertToVector256UInt16(nearest).Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 MultiplyAdd(Lanes16 x, Lanes16 y, Lanes16 z) => new(Vector512.FusedMultiplyAdd(x._value, y._value, z._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Max(Lanes16 x, Lanes16 y) => new(Vector512.Max(x._value, y._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 Exp(Lanes16 x)
    {
        var n = Vector512.Floor(Vector512.FusedMultiplyAdd(Clamped(x)._value, Vector512.Create(ExpSeries.Log2E), Vector512.Create(0.5f)));
        var scale = (Vector512.ConvertToInt32Native(n) + Vector512.Create(127)) << 23;
        return ExpSeries.Of(Clamped(x), new Lanes16(n)) * new Lanes16(scale.AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes16 x) => Lanes8.Sum(new Lanes8(x._value.GetLower() + x._value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lanes16 x) => Lanes8.Largest(new Lanes8(Vector256.Max(x._value.GetLower(), x._value.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator +(Lanes16 x, Lanes16 y) => new(x._value + y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator -(Lanes16 x, Lanes16 y) => new(x._value - y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator *(Lanes16 x, Lanes16 y) => new(x._value * y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 operator /(Lanes16 x, Lanes16 y) => new(x._value / y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lanes16 Clamped(Lanes16 x) =>
        new(Vector512.Min(Vector512.Max(x._value, Vector512.Create(ExpSeries.Lowest)), Vector512.Create(ExpSeries.Highest)));
}
