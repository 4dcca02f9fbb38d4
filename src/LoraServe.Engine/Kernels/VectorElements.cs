using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using LoraServe.Engine.Kernels.Lanes;

namespace LoraServe.Engine.Kernels;

/// <summary>Loads elements as float32 and stores them back, so that one kernel serves every compute dtype.</summary>
/// <typeparam name="T">The stored element.</typeparam>
internal unsafe interface IVectorElements<T> where T : unmanaged
{
    /// <summary>8 elements.</summary>
    static abstract Vector256<float> Load(T* source);

    /// <summary>1 element.</summary>
    static abstract float LoadOne(T* source);

    /// <summary>Writes 8 elements.</summary>
    static abstract void Store(Vector256<float> values, T* target);
}

/// <summary>float32.</summary>
internal readonly unsafe struct SingleElements : IVectorElements<float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadOne(float* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> values, float* target) => values.Store(target);
}

/// <summary>bfloat16, rounded to the nearest.</summary>
internal readonly unsafe struct BFloat16Elements : IVectorElements<ushort>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(ushort* source)
    {
        var values = Vector128.Load(source);
        return (Vector256.Create(Vector128.WidenLower(values), Vector128.WidenUpper(values)) << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadOne(ushort* source) => BFloat16.Widen(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> values, ushort* target)
    {
        var bits = values.AsUInt32();
        var nearest = (bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256<uint>.One)) >> 16;
        Vector128.Narrow(nearest.GetLower(), nearest.GetUpper()).Store(target);
    }
}
