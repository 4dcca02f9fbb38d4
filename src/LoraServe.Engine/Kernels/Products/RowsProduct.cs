using LoraServe.Engine.Kernels.Lanes;

namespace LoraServe.Engine.Kernels.Products;

/// <summary>
/// y = x W^T + b in float32 for any number of rows of x, from the weights' own memory. Each element of y is summed in an order that depends
/// neither on the other rows nor on how the work is divided: a row's result is the same alone, in a batch and within a prompt.
/// </summary>
internal abstract unsafe class RowsProduct
{
    /// <summary>Rows of W in a group: work is divided in whole groups.</summary>
    public const int Group = 4;

    /// <summary>Bytes of a row of x in the form in which this product reads it.</summary>
    /// <param name="inputs">Numbers of the row.</param>
    public abstract long PackedBytes(int inputs);

    /// <summary>Writes a row of x in that form.</summary>
    /// <param name="x">[inputs], which may be changed.</param>
    /// <param name="packed">Room for <see cref="PackedBytes"/>, aligned to 64 bytes.</param>
    /// <param name="inputs">Numbers of the row.</param>
    public abstract void Pack(float* x, byte* packed, int inputs);

    /// <summary>Computes outputs <paramref name="from"/> to <paramref name="to"/> for some rows.</summary>
    public abstract void Multiply(in ProductOperands operands, int from, int to);

    /// <summary>The fastest on this processor for weights of bfloat16 and rows of this many numbers.</summary>
    public static RowsProduct OfBFloat16(int inputs) =>
        DotProduct.IsSupported && inputs % DotProduct.Block == 0 ? DotProduct.Shared
        : Lanes16.IsSupported ? new LanesProduct<Lanes16, ushort, PairedNumbers<Lanes16>>()
        : Lanes8.IsSupported ? new LanesProduct<Lanes8, ushort, PairedNumbers<Lanes8>>()
        : Lanes4.IsSupported ? new LanesProduct<Lanes4, ushort, PairedNumbers<Lanes4>>()
        : new LanesProduct<Lanes1, ushort, PairedNumbers<Lanes1>>();

    /// <summary>The fastest on this processor for weights of float32.</summary>
    public static RowsProduct OfSingle() =>
        Lanes16.IsSupported ? new LanesProduct<Lanes16, float, PlainNumbers<Lanes16>>()
        : Lanes8.IsSupported ? new LanesProduct<Lanes8, float, PlainNumbers<Lanes8>>()
        : Lanes4.IsSupported ? new LanesProduct<Lanes4, float, PlainNumbers<Lanes4>>()
        : new LanesProduct<Lanes1, float, PlainNumbers<Lanes1>>();
}
