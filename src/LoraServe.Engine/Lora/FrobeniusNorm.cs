using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>The root of the sum of squares of a tensor of any shape, any float dtype and any device.</summary>
internal static class FrobeniusNorm
{
    // Elements of a piece: few enough for the L1 cache, and for libtorch to stay on one thread, as others may be busy serving requests.
    private const long Chunk = 1 << 14;

    /// <summary>||x||, summed up in float64.</summary>
    public static double Of(Tensor x) => OfPieces(x, (start, count) => Piece(x, start, count));

    /// <summary>||x - y|| of tensors with the same number of elements, in order; each is converted from its dtype without rounding.</summary>
    public static double OfDifference(Tensor x, Tensor y) =>
        OfPieces(x, (start, count) => Piece(x, start, count).sub(Piece(y, start, count)));

    /// <summary>The norms of the rows of x [rows, columns].</summary>
    public static double[] OfRows(Tensor x)
    {
        using var noGradient = no_grad();
        var norms = new List<double>();
        var rows = Math.Max(1, Chunk / x.size(1));
        for (var start = 0L; start < x.size(0); start += rows)
        {
            using var scope = NewDisposeScope();
            var piece = x.narrow(0, start, Math.Min(rows, x.size(0) - start)).to(ScalarType.Float32, CPU);
            norms.AddRange(piece.Squared().sum(1, type: ScalarType.Float64).sqrt().data<double>().ToArray());
        }

        return [.. norms];
    }

    private static double OfPieces(Tensor x, Func<long, long, Tensor> piece)
    {
        using var noGradient = no_grad();
        var sum = 0.0;
        for (var start = 0L; start < x.numel(); start += Chunk)
        {
            using var scope = NewDisposeScope();
            sum += piece(start, Math.Min(Chunk, x.numel() - start)).Squared().sum(ScalarType.Float64).item<double>();
        }

        return Math.Sqrt(sum);
    }

    private static Tensor Piece(Tensor x, long start, long count) => x.reshape(-1).narrow(0, start, count).to(ScalarType.Float32, CPU);
}
