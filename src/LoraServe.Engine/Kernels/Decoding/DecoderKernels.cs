using LoraServe.Engine.Kernels.Lanes;
using LoraServe.Engine.Kernels.Products;

namespace LoraServe.Engine.Kernels.Decoding;

/// <summary>
/// The arithmetic of a decoder on the CPU, row by row, in float32 with weights and KV cache in the compute dtype. A row's result does not depend on
/// other rows.
/// </summary>
internal abstract unsafe class DecoderKernels
{
    /// <summary>Bytes of a stored number.</summary>
    public abstract int ElementBytes { get; }

    /// <summary>Which vectors and numbers.</summary>
    public abstract string Description { get; }

    /// <summary>
    /// The kernels with the widest vectors of this processor into which all these sizes can be divided, so that no kernel has a rest to deal with.
    /// </summary>
    /// <param name="isBFloat16">Whether weights and cache are bfloat16; else they are float32.</param>
    /// <param name="sizes">Sizes of what is computed in vectors.</param>
    public static DecoderKernels For(bool isBFloat16, params ReadOnlySpan<int> sizes) =>
        Fits<Lanes16>(sizes) ? Of<Lanes16>(isBFloat16)
        : Fits<Lanes8>(sizes) ? Of<Lanes8>(isBFloat16)
        : Fits<Lanes4>(sizes) ? Of<Lanes4>(isBFloat16)
        : Of<Lanes1>(isBFloat16);

    /// <summary>The same with a certain vector.</summary>
    public static DecoderKernels Of<TLanes>(bool isBFloat16) where TLanes : struct, ILanes<TLanes> =>
        isBFloat16 ? new DecoderKernels<TLanes, ushort, BFloat16Numbers>() : new DecoderKernels<TLanes, float, SingleNumbers>();

    /// <summary>The product for rows of this many numbers.</summary>
    public abstract RowsProduct Product(int inputs);

    /// <summary>Reads stored numbers: x [size] to y [size].</summary>
    public abstract void Widen(void* x, float* y, int size);

    /// <summary>One stored number.</summary>
    public abstract float At(void* x, long index);

    /// <summary>x += y.</summary>
    public abstract void Add(float* y, float* x, int size);

    /// <summary>y = x / sqrt(mean(x^2) + epsilon) * weight (Zhang and Sennrich 2019); y may be x.</summary>
    public abstract void RmsNorm(float* x, void* weight, float* y, int size, float epsilon);

    /// <summary>Rotates a head in place and scales it (Su et al. 2021, halves as in Hugging Face's checkpoints).</summary>
    /// <param name="head">[2 half].</param>
    /// <param name="cosine">[half].</param>
    /// <param name="sine">[half].</param>
    /// <param name="half">Half the size of a head.</param>
    /// <param name="scale">A factor on the result.</param>
    public abstract void Rotate(float* head, float* cosine, float* sine, int half, float scale);

    /// <summary>gate = silu(gate) * up (SwiGLU, Shazeer 2020).</summary>
    public abstract void Gate(float* gate, float* up, int size);

    /// <summary>y[from..to] = y * scale + B ax + shift, each of the two where it is not null.</summary>
    /// <param name="update">A low-rank update.</param>
    /// <param name="ax">A x [rank].</param>
    /// <param name="y">[outputs].</param>
    /// <param name="from">First output.</param>
    /// <param name="to">After the last.</param>
    public abstract void Expand(in LowRankOperands update, float* ax, float* y, int from, int to);

    /// <summary>Stores keys and values of one head of one token in its block of the cache.</summary>
    /// <param name="key">[headDim].</param>
    /// <param name="value">[headDim].</param>
    /// <param name="keys">The block's keys [headDim, blockSize].</param>
    /// <param name="values">The block's values [blockSize, headDim].</param>
    /// <param name="slot">Which token of the block.</param>
    /// <param name="shape">Sizes.</param>
    public abstract void Store(float* key, float* value, void* keys, void* values, int slot, in AttentionShape shape);

    /// <summary>Attention of some queries over one piece of a context; see <see cref="AttentionPiece"/>.</summary>
    public abstract void Attend(in AttentionPiece piece, in AttentionShape shape);

    /// <summary>Joins the result of a piece to that of the pieces before it (Milakov and Gimelshein 2018).</summary>
    /// <param name="part">The piece's, for one query.</param>
    /// <param name="whole">The result so far, written to.</param>
    /// <param name="headDim">Size of a head.</param>
    public abstract void Join(in AttentionPart part, in AttentionPart whole, int headDim);

    /// <summary>y = sum / weight of the finished result of a query.</summary>
    public abstract void Finish(in AttentionPart whole, float* y, int headDim);

    private static bool Fits<TLanes>(ReadOnlySpan<int> sizes) where TLanes : struct, ILanes<TLanes>
    {
        if (!TLanes.IsSupported) return false;
        foreach (var size in sizes)
            if (size % TLanes.Count != 0) return false;
        return true;
    }
}
