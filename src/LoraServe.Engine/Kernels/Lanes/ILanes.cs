namespace LoraServe.Engine.Kernels.Lanes;

/// <summary>
/// A vector of float32 of whatever width the processor has, so that every kernel is written once. Kernels are generic over it, and the
/// just-in-time compiler makes a version for each width.
/// </summary>
/// <typeparam name="TSelf">The vector.</typeparam>
internal unsafe interface ILanes<TSelf> where TSelf : struct, ILanes<TSelf>
{
    /// <summary>Whether this processor has the instructions for it.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>How many numbers.</summary>
    static abstract int Count { get; }

    /// <summary>The same number in all.</summary>
    static abstract TSelf Create(float value);

    /// <summary>Reads <see cref="Count"/> float32.</summary>
    static abstract TSelf Load(float* source);

    /// <summary>Reads <see cref="Count"/> bfloat16.</summary>
    static abstract TSelf Load(ushort* source);

    /// <summary>Reads <see cref="Count"/> pairs of bfloat16, and gives the even elements and the odd ones.</summary>
    static abstract (TSelf Even, TSelf Odd) LoadPairs(ushort* source);

    /// <summary>Writes float32.</summary>
    static abstract void Store(TSelf value, float* target);

    /// <summary>Writes bfloat16, rounded to the nearest.</summary>
    static abstract void Store(TSelf value, ushort* target);

    /// <summary>x y + z, rounded once.</summary>
    static abstract TSelf MultiplyAdd(TSelf x, TSelf y, TSelf z);

    /// <summary>The larger of each two.</summary>
    static abstract TSelf Max(TSelf x, TSelf y);

    /// <summary>exp to within 2 units of the last place; what is below the smallest normal number is clamped to about it.</summary>
    static abstract TSelf Exp(TSelf x);

    /// <summary>The sum of all, always in the same order.</summary>
    static abstract float Sum(TSelf x);

    /// <summary>The largest of all.</summary>
    static abstract float Largest(TSelf x);

    static abstract TSelf operator +(TSelf x, TSelf y);

    static abstract TSelf operator -(TSelf x, TSelf y);

    static abstract TSelf operator *(TSelf x, TSelf y);

    static abstract TSelf operator /(TSelf x, TSelf y);
}
