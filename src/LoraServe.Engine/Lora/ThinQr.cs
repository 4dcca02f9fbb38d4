namespace LoraServe.Engine.Lora;

/// <summary>
/// M = Q R with orthonormal columns in Q and an upper triangle R, by the modified Gram-Schmidt process. Every column is orthogonalized
/// twice, which makes Q orthogonal to working precision (Giraud, Langou and Rozloznik 2005).
/// </summary>
/// <param name="Q">r columns of n; one of zeros where a column of M depends on those before it.</param>
/// <param name="R">r columns of r.</param>
internal sealed record ThinQr(double[][] Q, double[][] R)
{
    // Rounding unit of float64.
    private const double Epsilon = 1.0 / (1L << 52);

    /// <param name="columns">r columns of n, which become those of Q in place.</param>
    public static ThinQr Of(double[][] columns)
    {
        var r = columns.Select(_ => new double[columns.Length]).ToArray();
        for (var j = 0; j < columns.Length; j++)
        {
            var column = columns[j];
            var noise = Epsilon * (columns.Length + column.Length) * Norm(column);
            for (var pass = 0; pass < 2; pass++)
            {
                for (var i = 0; i < j; i++)
                {
                    var part = Blas1.Dot(columns[i], column);
                    r[j][i] += part;
                    Blas1.Axpy(-part, columns[i], column);
                }
            }

            // The remainder of a dependent column is rounding error, whose direction is arbitrary.
            var rest = Norm(column);
            if (rest > noise) r[j][j] = rest;
            for (var k = 0; k < column.Length; k++) column[k] = rest > noise ? column[k] / rest : 0;
        }

        return new ThinQr(columns, r);
    }

    private static double Norm(double[] column) => Math.Sqrt(Blas1.Dot(column, column));
}
