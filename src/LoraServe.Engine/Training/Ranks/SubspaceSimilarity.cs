using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>
/// How similar two subspaces are, from 0 (orthogonal) to 1 (one contains the other), measured on the Grassmann manifold:
/// phi(i, j) = ||U_i^T V_j||_F^2 / min(i, j) for the spans of the first i columns of U and the first j of V (Hu et al. 2021, section 7.2).
/// Random subspaces of n dimensions have max(i, j) / n.
/// </summary>
internal static class SubspaceSimilarity
{
    /// <summary>phi for every pair of numbers of directions, [i - 1][j - 1].</summary>
    /// <param name="u">Orthonormal directions, the most important first.</param>
    /// <param name="v">Likewise, of the same dimension.</param>
    public static IReadOnlyList<IReadOnlyList<double>> Of(IReadOnlyList<double[]> u, IReadOnlyList<double[]> v)
    {
        var similarity = new double[u.Count][];
        var above = new double[v.Count];
        for (var i = 0; i < u.Count; i++)
        {
            // The sum of squared cosines over the block of the first i + 1 rows and j + 1 columns.
            var (block, row) = (new double[v.Count], 0.0);
            for (var j = 0; j < v.Count; j++)
            {
                var cosine = Blas1.Dot(u[i], v[j]);
                row += cosine * cosine;
                block[j] = above[j] + row;
            }

            similarity[i] = [.. block.Select((sum, j) => Math.Clamp(sum / (Math.Min(i, j) + 1), 0, 1))];
            above = block;
        }

        return similarity;
    }
}
