using System.Runtime.CompilerServices;
using LoraServe.Engine.Kernels.Lanes;

namespace LoraServe.Engine.Kernels.Products;

/// <summary>How <see cref="LanesProduct{TLanes, T, TBlocks}"/> reads weights: two vectors of each block of numbers.</summary>
/// <typeparam name="TLanes">The vector.</typeparam>
/// <typeparam name="T">The stored number.</typeparam>
internal unsafe interface INumberBlocks<TLanes, T>
    where TLanes : struct, ILanes<TLanes>
    where T : unmanaged
{
    /// <summary>The vectors of the block at an address.</summary>
    static abstract (TLanes First, TLanes Second) Load(T* source);

    /// <summary>Where in a packed block of x the number with an index belongs.</summary>
    static abstract int PlaceOf(int index);

    /// <summary>One number.</summary>
    static abstract float Widen(T value);
}

/// <summary>float32 as it is.</summary>
internal readonly unsafe struct PlainNumbers<TLanes> : INumberBlocks<TLanes, float> where TLanes : struct, ILanes<TLanes>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TLanes First, TLanes Second) Load(float* source) => (TLanes.Load(source), TLanes.Load(source + TLanes.Count));

    public static int PlaceOf(int index) => index;

    public static float Widen(float value) => value;
}

/// <summary>
/// bfloat16 in pairs, of which a shift widens the even one and a mask the odd one: x has the even ones of a block before the odd ones.
/// </summary>
internal readonly unsafe struct PairedNumbers<TLanes> : INumberBlocks<TLanes, ushort> where TLanes : struct, ILanes<TLanes>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (TLanes First, TLanes Second) Load(ushort* source) => TLanes.LoadPairs(source);

    public static int PlaceOf(int index) => (index / 2) + (index % 2 * TLanes.Count);

    public static float Widen(ushort value) => BFloat16.Widen(value);
}
