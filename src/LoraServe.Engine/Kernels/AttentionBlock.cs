namespace LoraServe.Engine.Kernels;

/// <summary>Adjacent queries of one example and the keys visible to any of them.</summary>
/// <param name="Start">Index of the first query.</param>
/// <param name="Count">Queries.</param>
/// <param name="KeyStart">Index of the first key.</param>
/// <param name="KeyCount">Keys, up to that of the last query.</param>
internal readonly record struct AttentionBlock(int Start, int Count, int KeyStart, int KeyCount)
{
    /// <summary>The blocks of an example, whose indices start at 0.</summary>
    /// <param name="length">Its tokens.</param>
    /// <param name="window">How many positions back a token sees, itself included; null sees all.</param>
    /// <param name="size">The largest number of queries in a block.</param>
    public static IEnumerable<AttentionBlock> Of(int length, int? window, int size)
    {
        for (var start = 0; start < length; start += size)
        {
            var count = Math.Min(size, length - start);
            var key = window is { } w ? Math.Max(start - w + 1, 0) : 0;
            yield return new AttentionBlock(start, count, key, start + count - key);
        }
    }
}
