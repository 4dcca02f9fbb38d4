using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>
/// The singular value decomposition of a product B A from its core of r x r: with B = Q_B R_B, A^T = Q_A R_A and R_B R_A^T = U S V^T,
/// B A = (Q_B U) S (Q_A V)^T. The product itself, [out, in], is never formed.
/// </summary>
internal sealed class LowRankSvd
{
    // Rounding unit of float64.
    private const double Epsilon = 1.0 / (1L << 52);

    private readonly ThinQr _a;
    private readonly ThinQr _b;
    private readonly JacobiSvd _core;

    private LowRankSvd(ThinQr a, ThinQr b)
    {
        (_a, _b) = (a, b);
        var rank = a.R.Length;
        var core = a.R.Select(_ => new double[rank]).ToArray();
        for (var k = 0; k < rank; k++)
            for (var j = 0; j <= k; j++) Blas1.Axpy(a.R[k][j], b.R[k], core[j]);
        _core = JacobiSvd.Of(core);

        var (inFeatures, outFeatures) = (a.Q[0].Length, b.Q[0].Length);
        var noise = Epsilon * Math.Max(inFeatures, outFeatures) * Length(a.R) * Length(b.R);
        Values = [.. _core.Values.Take(Math.Min(inFeatures, outFeatures)).Select(value => value <= noise ? 0 : value)];
    }

    /// <summary>Singular values, largest first, min(r, in, out) of them; those within rounding error of 0 are 0.</summary>
    public IReadOnlyList<double> Values { get; }

    /// <summary>Computes it in float64.</summary>
    /// <param name="a">A [r, in], finite, of any float dtype; r is 1 or more.</param>
    /// <param name="b">B [out, r], likewise.</param>
    public static LowRankSvd Of(Tensor a, Tensor b)
    {
        using var bt = b.t();
        return new LowRankSvd(ThinQr.Of(Rows(a)), ThinQr.Of(Rows(bt)));
    }

    /// <summary>The singular values of s B A.</summary>
    public LowRankSpectrum Spectrum(double scaling) => new([.. Values.Select(value => Math.Abs(scaling) * value)]);

    /// <summary>
    /// The best rank-k approximation of the product (Eckart and Young 1936), with the square root of each singular value in
    /// either factor, so that neither leaves the range of a narrow dtype before the other.
    /// </summary>
    /// <param name="rank">k, at most the number of <see cref="Values"/>.</param>
    /// <returns>A [k, in] and B [out, k] in float32 on the CPU; in no dispose scope, the caller owns them.</returns>
    public (Tensor A, Tensor B) Approximation(int rank)
    {
        var roots = Values.Take(rank).Select(Math.Sqrt).ToArray();
        var left = roots.Select((root, k) => Combination(_b.Q, _core.Scaled[k], root == 0 ? 0 : 1 / root));
        var right = roots.Select((root, k) => Combination(_a.Q, _core.V[k], root));
        using var normalMode = inference_mode(false);
        using var bt = Matrix([.. left]);
        using var b = bt.t();
        return (Matrix([.. right]).DetachFromDisposeScope(), b.contiguous().DetachFromDisposeScope());
    }

    /// <summary>
    /// The right singular directions of the product, of <c>in</c> numbers each, orthonormal and in the order of <see cref="Values"/>, as many as
    /// are not 0.
    /// </summary>
    public IReadOnlyList<double[]> RightDirections() =>
        [.. _core.V.Take(Values.Count(value => value > 0)).Select(v => Sum(_a.Q, v, factor: 1))];

    // Q x times a factor.
    private static float[] Combination(double[][] q, double[] x, double factor) => Array.ConvertAll(Sum(q, x, factor), value => (float)value);

    private static double[] Sum(double[][] q, double[] x, double factor)
    {
        var sum = new double[q[0].Length];
        for (var j = 0; j < q.Length; j++) Blas1.Axpy(factor * x[j], q[j], sum);
        return sum;
    }

    private static Tensor Matrix(float[][] rows) => tensor(rows.SelectMany(row => row).ToArray(), [rows.Length, rows[0].Length]);

    private static double[][] Rows(Tensor matrix)
    {
        using var noGradient = no_grad();
        using var wide = matrix.to(ScalarType.Float32, CPU);
        using var dense = wide.contiguous();
        var values = MemoryMarshal.Cast<byte, float>(dense.bytes);
        var rows = new double[matrix.size(0)][];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = new double[matrix.size(1)];
            for (var j = 0; j < rows[i].Length; j++) rows[i][j] = values[(i * rows[i].Length) + j];
        }

        return rows;
    }

    private static double Length(double[][] columns) => Math.Sqrt(columns.Sum(column => Blas1.Dot(column, column)));
}
