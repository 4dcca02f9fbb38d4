using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// Linear modules that read the same input, such as those of queries, keys and values: y_i = W_i x + b_i + s B_i A_i x. Without dropout the
/// A of all of them are one matrix, so that the thin products are fewer and wider.
/// </summary>
/// <param name="modules">In the order of the forward pass.</param>
internal sealed class LinearGroup(params IReadOnlyList<TrainedLinear> modules) : IDisposable
{
    // A of all modules [sum of r, in] in the compute dtype.
    private Tensor? _a;

    /// <summary>The modules.</summary>
    public IReadOnlyList<TrainedLinear> Modules => modules;

    /// <summary>Whether anything of them is trained.</summary>
    public bool IsTrained => modules.Any(module => module.IsTrained);

    /// <summary>To be called after parameters were written.</summary>
    public void Refresh()
    {
        foreach (var module in modules) module.Factors?.Refresh(module.Weight);
        var all = modules.Where(module => module.Factors is not null).Select(module => module.Factors!.A.Value).ToList();
        if (all.Count == 0) return;
        using var scope = NewDisposeScope();
        _a?.Dispose();
        _a = (all.Count == 1 ? all[0] : cat(all, dim: 0)).to(modules[0].Weight.dtype).DetachFromDisposeScope();
    }

    /// <summary>x [tokens, in] to y_i [tokens, out_i] each, in the current dispose scope.</summary>
    /// <param name="x">The input, which the caller keeps for the way back.</param>
    /// <param name="dropout">What is dropped on the way into A, or null.</param>
    /// <param name="tape">Keeps what the group needs on the way back.</param>
    /// <param name="kept">Is filled with it.</param>
    public Tensor[] Forward(Tensor x, Dropout? dropout, Tape tape, LinearTape kept)
    {
        kept.Shrunk = _a is null ? null : tape.Keep(dropout is null ? nn.functional.linear(x, _a) : ShrinkDropped(x, dropout));
        var results = new Tensor[modules.Count];
        kept.Directions = new Tensor?[modules.Count];
        var rank = 0L;
        for (var i = 0; i < modules.Count; i++)
        {
            var module = modules[i];
            if (module.Factors is not { } factors)
            {
                results[i] = nn.functional.linear(x, module.Weight, module.Bias);
                continue;
            }

            using var shrunk = kept.Shrunk!.narrow(1, rank, factors.Rank);
            rank += factors.Rank;
            using var expand = factors.ScaledB.t();
            if (factors.Gain is null)
                results[i] = nn.functional.linear(x, module.Weight, module.Bias).addmm_(shrunk, expand);
            else
                (results[i], kept.Directions[i]) = ForwardDora(module, x, shrunk, expand, dropout, tape);
        }

        return results;
    }

    /// <summary>Adds to the gradients of the parameters and returns that of x, in the current dispose scope.</summary>
    /// <param name="dys">Gradients of the results.</param>
    /// <param name="x">The input.</param>
    /// <param name="dropout">As on the way there.</param>
    /// <param name="kept">Filled on the way there.</param>
    /// <param name="needsInput">Whether the gradient of x is wanted; null is returned where it is not.</param>
    public Tensor? Backward(IReadOnlyList<Tensor> dys, Tensor x, Dropout? dropout, LinearTape kept, bool needsInput)
    {
        using var scope = NewDisposeScope();
        Tensor? dx = null;
        var shrunk = _a is null ? null : empty([x.size(0), _a.size(0)], x.dtype, x.device);
        var rank = 0L;
        for (var i = 0; i < modules.Count; i++)
        {
            var (module, dy) = (modules[i], dys[i]);
            module.WeightParameter?.AddProduct(dy, x);
            module.BiasParameter?.Add(dy.sum(0, type: ScalarType.Float32));
            var dz = dy;
            if (module.Factors is { } factors)
            {
                var part = shrunk!.narrow(1, rank, factors.Rank);
                if (factors.Gain is not null)
                {
                    factors.AddMagnitude(dy, kept.Directions[i]!);
                    dz = dy.mul(factors.Gain);
                }

                part.addmm_(dz, factors.ScaledB, 0, 1);
                factors.B.AddProduct(dz, kept.Shrunk!.narrow(1, rank, factors.Rank), factors.Scaling);
                if (dropout is null)
                {
                    factors.A.AddProduct(part, x);
                }
                else
                {
                    var dropped = BackwardDropped(module, part, _a!.narrow(0, rank, factors.Rank), dy, dz, x, dropout);
                    dx = dx is null ? dropped : dx.add_(dropped, Constants.One);
                    dz = dy;
                }

                rank += factors.Rank;
            }

            if (needsInput) dx = AddProduct(dx, dz, module.Weight);
        }

        if (needsInput && shrunk is not null && dropout is null) dx!.addmm_(shrunk, _a!);
        return dx?.MoveToOuterDisposeScope();
    }

    /// <summary>Frees what it made of the parameters, not the parameters.</summary>
    public void Dispose()
    {
        _a?.Dispose();
        foreach (var module in modules) module.Factors?.Dispose();
    }

    // Without dropout y = g * z + b with z = (W + s B A) x. With it, as PEFT has it, what was not dropped goes through W as well:
    // y = W x + b + g * z - W d, z = (W + s B A) d, d = dropped x.
    private static (Tensor Result, Tensor Direction) ForwardDora(
        TrainedLinear module, Tensor x, Tensor shrunk, Tensor expand, Dropout? dropout, Tape tape)
    {
        var gain = module.Factors!.Gain!;
        var input = dropout is null ? x : x.mul(dropout.Mask(module.Number, x));
        var through = nn.functional.linear(input, module.Weight);
        var direction = tape.Keep(dropout is null ? through.addmm_(shrunk, expand) : through.addmm(shrunk, expand));
        var result = direction.mul(gain);
        if (dropout is not null)
            result = nn.functional.linear(x, module.Weight, module.Bias).sub(through).add_(result, Constants.One);
        else if (module.Bias is not null)
            result.add_(module.Bias, Constants.One);
        return (result, direction);
    }

    private static Tensor AddProduct(Tensor? sum, Tensor left, Tensor right) => sum is null ? left.mm(right) : sum.addmm_(left, right);

    // The gradient of x by way of the dropped input, whose mask differs from module to module. shrunk = s dz B, dz = g dy.
    private static Tensor BackwardDropped(
        TrainedLinear module, Tensor shrunk, Tensor a, Tensor dy, Tensor dz, Tensor x, Dropout dropout)
    {
        var mask = dropout.Mask(module.Number, x);
        module.Factors!.A.AddProduct(shrunk, x.mul(mask));
        var dropped = shrunk.mm(a);
        if (module.Factors.Gain is not null) dropped.addmm_(dz.sub(dy), module.Weight);
        return dropped.mul_(mask);
    }

    private Tensor ShrinkDropped(Tensor x, Dropout dropout)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        var rank = 0L;
        foreach (var module in modules)
        {
            if (module.Factors is not { } factors) continue;
            var dropped = x.mul(dropout.Mask(module.Number, x));
            parts.Add(nn.functional.linear(dropped, _a!.narrow(0, rank, factors.Rank)));
            rank += factors.Rank;
        }

        return (parts.Count == 1 ? parts[0] : cat(parts, dim: 1)).MoveToOuterDisposeScope();
    }
}
