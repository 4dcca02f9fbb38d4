using System.Runtime.CompilerServices;

namespace LoraServe.Engine.Kernels.Lanes;

/// <summary>1 number: for processors without the instructions of the others.</summary>
internal readonly unsafe struct Lanes1(float value) : ILanes<Lanes1>
{
    private readonly float _value = value;

    public static bool IsSupported => true;

    public static int Count => 1;

    public static Lanes1 Create(float value) => new(value);

    public static Lanes1 Load(float* source) => new(*source);

    public static Lanes1 Load(ushort* source) => new(BFloat16.Widen(*source));

    public static (Lanes1 Even, Lanes1 Odd) LoadPairs(ushort* source) => (Load(source), Load(source + 1));

    public static void Store(Lanes1 value, float* target) => *target = value._value;

    public static void Store(Lanes1 value, ushort* target) => *target = BFloat16.Round(value._value);

    public static Lanes1 MultiplyAdd(Lanes1 x, Lanes1 y, Lanes1 z) => new((x._value * y._value) + z._value);

    public static Lanes1 Max(Lanes1 x, Lanes1 y) => new(MathF.Max(x._value, y._value));

    public static Lanes1 Exp(Lanes1 x) => new(MathF.Exp(x._value));

    public static float Sum(Lanes1 x) => x._value;

    public static float Largest(Lanes1 x) => x._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator +(Lanes1 x, Lanes1 y) => new(x._value + y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator -(Lanes1 x, Lanes1 y) => new(x._value - y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator *(Lanes1 x, Lanes1 y) => new(x._value * y._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 operator /(Lanes1 x, Lanes1 y) => new(x._value / y._value);
}
