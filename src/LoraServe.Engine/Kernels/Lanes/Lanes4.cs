using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace LoraServe.Engine.Kernels.Lanes;

/// <summary>4 numbers: ARM's AdvSimd, and small models elsewhere.</summary>
internal readonly unsafe struct Lanes4(Vector128<float> value) : ILanes<Lanes4>
{
    private readonly Vector128<float> _value = value;

    public static bool IsSupported => AdvSimd.Arm64.IsSupported || Fma.IsSupported;

    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Create(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Load(ushort* source) => new((Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsUInt16()) << BFloat16.DroppedBits).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Lanes4 Even, Lanes4 Odd) LoadPairs(ushort* source)
    {
        var pairs = Vector128.Load((uint*)source);
        return (new((pairs << BFloat16.DroppedBits).AsSingle()), new((pairs & Vector128.Create(0xFFFF0000u)).AsSingle()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes4 value, float* target) => value._value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes4 value, ushort* target)
    {
        var bits = value._value.AsUInt32();
        var odd = (bits >> BFloat16.DroppedBits) & Vector128<uint>.One;
        var nearest = (bits + Vector128.Create(0x7FFFu) + odd) >> BFloat16.DroppedBits;
        *(ulong*)target = Vector128.Narrow(nearest, nearest).AsUInt64().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 MultiplyAdd(Lanes4 x, Lanes4 y, Lanes4 z) => new(Vector128.FusedMultiplyAdd(x._value, y._value, z._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Max(Lanes4 x, Lanes4 y) => new(Vector128.Max(x._value, y._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 Exp(Lanes4 x)
    {
        var n = Vector128.Floor(Vector128.FusedMultiplyAdd(Clamped(x)._value, Vector128.Create(ExpSeries.Log2E), Vector128.Create(0.5f)));
        var scale = (Vector128.ConvertToInt32Native(n) + Vector128.Create(127)) << 23;
        return ExpSeries.Of(Clamped(x), new Lanes4(n)) * new Lanes4(scale.AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes4 x) => (x._value[0] + x._value[2]) + (x._value[1] + x._value[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Lanes4 x) => MathF.Max(MathF.Max(x._value[0], x._value[2]), MathF.Max(x._value[1], x._value[3]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator +(Lanes4 x, Lanes4 y) => new(x._value + y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator -(Lanes4 x, Lanes4 y) => new(x._value - y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator *(Lanes4 x, Lanes4 y) => new(x._value * y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes4 operator /(Lanes4 x, Lanes4 y) => new(x._value / y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lanes4 Clamped(Lanes4 x) =>
        new(Vector128.Min(Vector128.Max(x._value, Vector128.Create(ExpSeries.Lowest)), Vector128.Create(ExpSeries.Highest)));
}
