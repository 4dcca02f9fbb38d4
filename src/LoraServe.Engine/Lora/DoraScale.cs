using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>
/// DoRA's factor on outputs (Liu et al. 2024, section 4): g = m / ||W + s B A||, the norm over each output's weights. It does not
/// depend on the input, so it is computed once.
/// </summary>
internal static class DoraScale
{
    // Elements of W converted to float32 at a time, few enough to fit into a processor's cache.
    private const long Chunk = 1 << 18;

    /// <summary>g [out] in float32, in the current dispose scope.</summary>
    /// <param name="weight">W [out, in] in any float dtype.</param>
    /// <param name="a">A [r, in] in float32.</param>
    /// <param name="b">s B [out, r] in float32.</param>
    /// <param name="magnitude">m [out] in float32.</param>
    public static Tensor Of(Tensor weight, Tensor a, Tensor b, Tensor magnitude)
    {
        var norms = new List<Tensor>();
        var rows = Math.Max(1, Chunk / weight.size(1));
        for (long start = 0; start < weight.size(0); start += rows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(rows, weight.size(0) - start);
            var updated = weight.narrow(0, start, count).to(ScalarType.Float32).addmm(b.narrow(0, start, count), a);
            norms.Add(updated.Squared().sum(dim: 1).sqrt().MoveToOuterDisposeScope());
        }

        // A row of zeros gives zero for any factor.
        var norm = cat(norms);
        return where(norm.IsPositive(), magnitude.div(norm), ones_like(norm));
    }
}
