namespace LoraServe.Engine.Kernels;

/// <summary>A factor of a product as lines of float32 or bfloat16: the rows of the left factor, the columns of the right one.</summary>
/// <param name="Data">Address of the first element.</param>
/// <param name="Stride">Elements from one line to the next where lines are contiguous, else from one element of a line to the next.</param>
/// <param name="IsContiguous">Whether the elements of a line are adjacent; else the lines are interleaved.</param>
/// <param name="IsBFloat16">Whether elements are bfloat16, which are widened on the way into panels.</param>
internal readonly unsafe record struct ProductFactor(nint Data, long Stride, bool IsContiguous, bool IsBFloat16)
{
    /// <summary>The factor from a line on.</summary>
    public ProductFactor From(long line) =>
        this with { Data = Data + (nint)(line * (IsContiguous ? Stride : 1) * (IsBFloat16 ? sizeof(ushort) : sizeof(float))) };

    /// <summary>Packs a part into a panel, see <see cref="ProductPanel{T, TElements}"/>.</summary>
    /// <param name="line">The first line.</param>
    /// <param name="count">Lines.</param>
    /// <param name="start">The first element of each.</param>
    /// <param name="depth">Elements of each.</param>
    /// <param name="panel">[depth, width], overwritten.</param>
    /// <param name="width">Lines that the panel has room for.</param>
    public void Pack(long line, int count, long start, int depth, float* panel, int width)
    {
        var offset = IsContiguous ? (line * Stride) + start : (start * Stride) + line;
        if (IsBFloat16) Pack<ushort, BFloat16Elements>((ushort*)Data + offset, count, depth, panel, width);
        else Pack<float, SingleElements>((float*)Data + offset, count, depth, panel, width);
    }

    private void Pack<T, TElements>(T* source, int count, int depth, float* panel, int width)
        where T : unmanaged
        where TElements : struct, IVectorElements<T>
    {
        if (IsContiguous) ProductPanel<T, TElements>.Interleave(source, Stride, count, depth, panel, width);
        else ProductPanel<T, TElements>.Copy(source, Stride, count, depth, panel, width);
    }
}
