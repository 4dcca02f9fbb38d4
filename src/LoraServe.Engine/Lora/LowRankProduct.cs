using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>The arithmetic of <see cref="LowRankUpdate"/>: shrink to rank r, expand and add.</summary>
internal static class LowRankProduct
{
    // libtorch multiplies bfloat16 matrices of up to this many products with its own kernel, and larger ones with oneDNN's, which sometimes
    // rounds differently: a token's result must not change because it is alone in its batch.
    private const int SmallProduct = 16 * 16 * 16;

    /// <summary>x [tokens, in]; y [tokens, out] = W x + b becomes scale * y + B (A x) + shift, in place.</summary>
    public static void Apply(Tensor x, LowRankUpdate lora, Tensor y)
    {
        if (lora.Scale is not null) y.mul_(lora.Scale);
        if (lora.A.size(0) > 0)
        {
            using var ax = Shrink(x, lora.A);
            Expand(ax, lora.B, y);
        }

        if (lora.Shift is not null) y.AddInPlace(lora.Shift);
    }

    /// <summary>A x [tokens, r], B [out, r]: adds B (A x) to y [tokens, out].</summary>
    public static void Expand(Tensor ax, Tensor b, Tensor y)
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

    // x [tokens, in], A [r, in] to A x [tokens, r].
    private static Tensor Shrink(Tensor x, Tensor a)
    {
        var missing = MissingRows(x, a);
        if (missing == 0) return nn.functional.linear(x, a);
        using var padded = Pad(x, missing);
        using var ax = nn.functional.linear(padded, a);
        return ax.narrow(0, 0, x.size(0));
    }

    // Rows of zeros needed for the product of x with a matrix of this size to use oneDNN's kernel.
    private static long MissingRows(Tensor x, Tensor matrix) => Math.Max((SmallProduct / matrix.numel()) + 1 - x.size(0), 0);

    // Not functional.pad, whose scalar the finalizer may free while libtorch still reads it.
    private static Tensor Pad(Tensor x, long rows)
    {
        using var none = zeros(rows, x.size(1), x.dtype, x.device);
        return cat([x, none], dim: 0);
    }
}
