using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>
/// A frozen linear module with low-rank updates beside it (Hu et al. 2021, section 4.1): y = W x + b + s B (A x), each token with the
/// A and B of its own adapter.
/// </summary>
/// <param name="path">The module's path in the checkpoint, under which adapters keep their A and B.</param>
/// <param name="weight">W [out, in], never written.</param>
/// <param name="bias">b [out], or null.</param>
internal sealed class LoraLinear(string path, Tensor weight, Tensor? bias)
{
    // libtorch multiplies bfloat16 matrices with up to this many products by a kernel of its own, and larger ones by oneDNN's, which rounds
    // otherwise now and then: a token must not get another result because it is alone in its batch.
    private const int SmallProduct = 16 * 16 * 16;

    /// <summary>x [tokens, in] to y [tokens, out]; the caller owns y.</summary>
    public Tensor Forward(Tensor x, LoraBatch batch)
    {
        var y = nn.functional.linear(x, weight, bias);
        foreach (var segment in batch.Segments)
        {
            if (!segment.Adapter.Modules.TryGetValue(path, out var lora)) continue;

            // A [r, in], B [out, r]; scaling is already in B.
            using var xs = x.narrow(0, segment.Start, segment.Count);
            using var ys = y.narrow(0, segment.Start, segment.Count);
            using var ax = Shrink(xs, lora.A);
            Expand(ax, lora.B, ys);
        }

        return y;
    }

    // x [tokens, in], A [r, in] to A x [tokens, r].
    private static Tensor Shrink(Tensor x, Tensor a)
    {
        var missing = MissingRows(x, a);
        if (missing == 0) return nn.functional.linear(x, a);
        using var padded = Pad(x, missing);
        using var ax = nn.functional.linear(padded, a);
        return ax.narrow(0, 0, x.size(0));
    }

    // A x [tokens, r], B [out, r]: adds B (A x) to y [tokens, out].
    private static void Expand(Tensor ax, Tensor b, Tensor y)
    {
        using var bt = b.t();
        var missing = MissingRows(ax, b);
        if (missing == 0)
        {
            y.addmm_(ax, bt);
            return;
        }

        using var paddedAx = Pad(ax, missing);
        using var sum = Pad(y, missing);
        sum.addmm_(paddedAx, bt);
        using var rows = sum.narrow(0, 0, y.size(0));
        y.copy_(rows);
    }

    // Rows of zeros that keep x's product with a matrix of this size away from libtorch's other kernel.
    private static long MissingRows(Tensor x, Tensor matrix) => Math.Max((SmallProduct / matrix.numel()) + 1 - x.size(0), 0);

    // Not functional.pad, whose scalar the finalizer may free while libtorch still reads it.
    private static Tensor Pad(Tensor x, long rows)
    {
        using var none = zeros(rows, x.size(1), x.dtype, x.device);
        return cat([x, none], dim: 0);
    }
}
