using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>
/// A frozen linear module with the changes of adapters beside it (Hu et al. 2021, section 4.1): y = W x + b + s B (A x), each token with
/// the A and B of its own adapter, or with a weight that its adapter has in place of W.
/// </summary>
/// <param name="path">The module's path in the checkpoint, under which adapters keep their updates.</param>
/// <param name="weight">W [out, in], never written.</param>
/// <param name="bias">b [out], or null.</param>
internal sealed class LoraLinear(string path, Tensor weight, Tensor? bias)
{
    /// <summary>x [tokens, in] to y [tokens, out]; the caller owns y.</summary>
    public Tensor Forward(Tensor x, LoraBatch batch)
    {
        if (IsReplacedThroughout(x.size(0), batch)) return ForwardReplaced(x, batch);

        var y = nn.functional.linear(x, weight, bias);
        foreach (var segment in batch.Segments)
        {
            if (UpdateOf(segment) is not { } update) continue;

            using var xs = x.narrow(0, segment.Start, segment.Count);
            using var ys = y.narrow(0, segment.Start, segment.Count);
            switch (update)
            {
                case LowRankUpdate lora:
                    LowRankProduct.Apply(xs, lora, ys);
                    break;
                case ReplacedLinear replaced:
                    using (var own = nn.functional.linear(xs, replaced.Weight, replaced.Bias)) ys.copy_(own);
                    break;
            }
        }

        return y;
    }

    // No token uses W: with one adapter this takes the same work as the base alone.
    private bool IsReplacedThroughout(long tokens, LoraBatch batch) =>
        tokens > 0
        && batch.Segments.Sum(segment => (long)segment.Count) == tokens
        && batch.Segments.All(segment => UpdateOf(segment) is ReplacedLinear);

    private Tensor ForwardReplaced(Tensor x, LoraBatch batch)
    {
        if (batch.Segments is [var all]) return Replaced(x, all);
        using var scope = NewDisposeScope();
        var parts = batch.Segments.Select(segment => Replaced(x.narrow(0, segment.Start, segment.Count), segment)).ToList();
        return cat(parts, dim: 0).MoveToOuterDisposeScope();
    }

    private Tensor Replaced(Tensor x, LoraSegment segment)
    {
        var own = (ReplacedLinear)UpdateOf(segment)!;
        return nn.functional.linear(x, own.Weight, own.Bias);
    }

    private LinearUpdate? UpdateOf(LoraSegment segment) => segment.Adapter.Linears.GetValueOrDefault(path);
}
