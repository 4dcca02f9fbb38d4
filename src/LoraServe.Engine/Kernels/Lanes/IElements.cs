using System.Runtime.CompilerServices;

namespace LoraServe.Engine.Kernels.Lanes;

/// <summary>Numbers as they lie in memory, read and written as float32, so that a kernel serves every compute dtype.</summary>
/// <typeparam name="T">The stored number.</typeparam>
internal unsafe interface IElements<T> where T : unmanaged
{
    /// <summary>Reads a vector.</summary>
    static abstract TLanes Load<TLanes>(T* source) where TLanes : struct, ILanes<TLanes>;

    /// <summary>Writes a vector.</summary>
    static abstract void Store<TLanes>(TLanes value, T* target) where TLanes : struct, ILanes<TLanes>;

    /// <summary>Reads one number.</summary>
    static abstract float Widen(T value);

    /// <summary>The nearest stored number.</summary>
    static abstract T Round(float value);
}

/// <summary>float32.</summary>
internal readonly unsafe struct SingleNumbers : IElements<float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(float* source) where TLanes : struct, ILanes<TLanes> => TLanes.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes>(TLanes value, float* target) where TLanes : struct, ILanes<TLanes> => TLanes.Store(value, target);

    public static float Widen(float value) => value;

    public static float Round(float value) => value;
}

/// <summary>bfloat16.</summary>
internal readonly unsafe struct BFloat16Numbers : IElements<ushort>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(ushort* source) where TLanes : struct, ILanes<TLanes> => TLanes.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes>(TLanes value, ushort* target) where TLanes : struct, ILanes<TLanes> => TLanes.Store(value, target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Widen(ushort value) => BFloat16.Widen(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Round(float value) => BFloat16.Round(value);
}
