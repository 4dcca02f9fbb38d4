namespace LoraServe.Engine.Kernels.Decoding;

/// <summary>Sizes of attention over a paged KV cache.</summary>
/// <param name="HeadDim">Size of a head.</param>
/// <param name="BlockSize">Tokens of a block.</param>
/// <param name="BlockStride">From a head's keys, or values, in one block to those in the next, in numbers.</param>
internal readonly record struct AttentionShape(int HeadDim, int BlockSize, long BlockStride)
{
    /// <summary>
    /// Tokens of a piece of a context: a query's result is joined from those of pieces, in their order, so that it is the same whether one thread
    /// computes them or several.
    /// </summary>
    public int PieceSize => Math.Max(64 / BlockSize, 1) * BlockSize;
}
