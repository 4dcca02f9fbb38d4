using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraServe.Engine.Kernels;

/// <summary>How 16 elements of a type are read as float32 and written back, so that one kernel serves every compute dtype.</summary>
/// <typeparam name="T">The stored element.</typeparam>
internal unsafe interface IVectorElements<T> where T : unmanaged
{
    static abstract Vector512<float> Load(T* source);

    static abstract void Store(Vector512<float> values, T* target);
}

/// <summary>float32.</summary>
internal readonly unsafe struct SingleElements : IVectorElements<float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> values, float* target) => values.Store(target);
}

/// <summary>bfloat16, rounded to the nearest.</summary>
internal readonly unsafe struct BFloat16Elements : IVectorElements<ushort>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(ushort* source)
    {
        var values = Vector256.Load(source);
        return (Vector512.Create(Vector256.WidenLower(values), Vector256.WidenUpper(values)) << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> values, ushort* target)
    {
        var bits = values.AsUInt32();
        var nearest = (bits + Vector512.Create(0x7FFFu) + ((bits >> 16) & Vector512<uint>.One)) >> 16;
        Vector256.Narrow(nearest.GetLower(), nearest.GetUpper()).Store(target);
    }
}
