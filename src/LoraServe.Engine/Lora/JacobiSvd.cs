namespace LoraServe.Engine.Lora;

/// <summary>
/// M = U S V^T of a small matrix by one-sided Jacobi rotations (Hestenes 1958): pairs of columns are rotated until all are orthogonal.
/// </summary>
/// <param name="Scaled">U S: the columns of U, each times its singular value.</param>
/// <param name="Values">Singular values, largest first.</param>
/// <param name="V">Columns of V.</param>
internal sealed record JacobiSvd(double[][] Scaled, double[] Values, double[][] V)
{
    // Columns with a cosine of at most this count as orthogonal.
    private const double Orthogonal = 1e-15;

    // Eight to ten sweeps are usual; rounding might keep a pair from ever becoming orthogonal.
    private const int MaxSweeps = 40;

    /// <param name="columns">Columns of M, which are rotated in place.</param>
    public static JacobiSvd Of(double[][] columns)
    {
        var v = columns.Select((_, j) => Unit(columns.Length, j)).ToArray();
        for (var sweep = 0; sweep < MaxSweeps && Sweep(columns, v); sweep++)
        {
        }

        var values = columns.Select(column => Math.Sqrt(Blas1.Dot(column, column))).ToArray();
        var order = Enumerable.Range(0, values.Length).OrderByDescending(j => values[j]).ToArray();
        return new JacobiSvd([.. order.Select(j => columns[j])], [.. order.Select(j => values[j])], [.. order.Select(j => v[j])]);
    }

    // Whether any pair had to be rotated.
    private static bool Sweep(double[][] columns, double[][] v)
    {
        var isRotated = false;
        for (var p = 0; p < columns.Length - 1; p++)
        {
            for (var q = p + 1; q < columns.Length; q++)
            {
                var (x, y) = (columns[p], columns[q]);
                var (xx, yy, xy) = (Blas1.Dot(x, x), Blas1.Dot(y, y), Blas1.Dot(x, y));
                if (Math.Abs(xy) <= Orthogonal * Math.Sqrt(xx * yy)) continue;

                // The smaller of the two angles that make the pair orthogonal.
                var cotangent = (yy - xx) / (2 * xy);
                var tangent = Math.CopySign(1, cotangent) / (Math.Abs(cotangent) + Math.Sqrt(1 + (cotangent * cotangent)));
                var cosine = 1 / Math.Sqrt(1 + (tangent * tangent));
                Blas1.Rotate(x, y, cosine, cosine * tangent);
                Blas1.Rotate(v[p], v[q], cosine, cosine * tangent);
                isRotated = true;
            }
        }

        return isRotated;
    }

    private static double[] Unit(int length, int index)
    {
        var unit = new double[length];
        unit[index] = 1;
        return unit;
    }
}
