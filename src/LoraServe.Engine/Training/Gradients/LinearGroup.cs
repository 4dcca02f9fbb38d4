using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// Linear modules that read the same input, such as those of queries, keys and values: y_i = W_i x + b_i + s B_i A_i x. Without dropout the
/// A of all of them are one matrix, so that the thin products are fewer and wider.
/// </summary>
/// <param name="dtype">The compute dtype.</param>
/// <param name="modules">In the order of the forward pass.</param>
internal sealed class LinearGroup(ScalarType dtype, IReadOnlyList<TrainedLinear> modules) : IDisposable
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
        foreach (var module in modules) module.Factors?.Refresh(module.Weight, dtype);
        var all = modules.Where(module => module.Factors is not null).Select(module => module.Factors!.A.Value).ToList();
        if (all.Count == 0) return;
        using var scope = NewDisposeScope();
        _a?.Dispose();
        _a = (all.Count == 1 ? all[0] : cat(all, dim: 0)).to(dtype).DetachFromDisposeScope();
    }

    /// <summary>x [tokens, in] to y_i [tokens, out_i] each.</summary>
    /// <param name="x">The input, which the caller keeps for the way back.</param>
    /// <param name="inputs">Memory, and what is dropped on the way into A.</param>
    /// <param name="tape">Keeps what the group needs on the way back.</param>
    /// <param name="kept">Is filled with it.</param>
    /// <param name="keepsResults">Whether the results are kept as well; they end with the slice if not.</param>
    public Tensor[] Forward(Tensor x, PassInputs inputs, Tape tape, LinearTape kept, bool keepsResults)
    {
        var dropout = inputs.Dropout;
        if (_a is not null && dropout is null) kept.Shrunk = Product(tape.New(x.size(0), _a.size(0)), x, _a, null);
        else if (_a is not null) kept.Shrunk = tape.Keep(ShrinkDropped(x, dropout!));
        var results = new Tensor[modules.Count];
        kept.Directions = new Tensor?[modules.Count];
        kept.Weights = new Tensor?[modules.Count];
        var rank = 0L;
        for (var i = 0; i < modules.Count; i++)
        {
            var module = modules[i];
            var result = keepsResults ? tape.New(x.size(0), module.Weight.size(0)) : inputs.New(x.size(0), module.Weight.size(0));
            var addsBias = module.Factors?.Gain is null || dropout is not null;
            var weight = Widen(module.Weight, inputs);
            if (!tape.Keeps) kept.Weights[i] = weight;
            results[i] = Product(result, x, weight, addsBias ? module.Bias : null);
            if (module.Factors is not { } factors) continue;

            using var shrunk = kept.Shrunk!.narrow(1, rank, factors.Rank);
            rank += factors.Rank;
            using var expand = factors.ScaledB.t();
            if (factors.Gain is null) result.addmm_(shrunk, expand);
            else kept.Directions[i] = AddDora(result, module, weight, x, shrunk, expand, dropout, tape);
        }

        return results;
    }

    /// <summary>Adds to the gradients of the parameters and returns that of x, which ends with the slice.</summary>
    /// <param name="dys">Gradients of the results.</param>
    /// <param name="x">The input.</param>
    /// <param name="inputs">As on the way there.</param>
    /// <param name="kept">Filled on the way there.</param>
    /// <param name="needsInput">Whether the gradient of x is wanted; null is returned where it is not.</param>
    public Tensor? Backward(IReadOnlyList<Tensor> dys, Tensor x, PassInputs inputs, LinearTape kept, bool needsInput)
    {
        var dropout = inputs.Dropout;
        Tensor? dx = null;
        var shrunk = _a is null ? null : inputs.New(x.size(0), _a.size(0));
        var rank = 0L;
        for (var i = 0; i < modules.Count; i++)
        {
            var (module, dy) = (modules[i], dys[i]);
            var weight = needsInput ? kept.Weights[i] ?? Widen(module.Weight, inputs) : null;
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
                    var mask = dropout.Mask(module.Number, x);
                    factors.A.AddProduct(part, x.mul(mask));
                    if (needsInput)
                    {
                        var dropped = BackwardDropped(factors, weight!, part, _a!.narrow(0, rank, factors.Rank), dy, dz).mul_(mask);
                        dx = dx is null ? dropped : dx.AddInPlace(dropped);
                    }

                    dz = dy;
                }

                rank += factors.Rank;
            }

            if (needsInput) dx = dx is null ? inputs.New(x.shape).addmm_(dz, weight!, 0, 1) : dx.addmm_(dz, weight!);
        }

        if (needsInput && shrunk is not null && dropout is null) dx!.addmm_(shrunk, _a!);
        return dx;
    }

    /// <summary>Frees what it made of the parameters, not the parameters.</summary>
    public void Dispose()
    {
        _a?.Dispose();
        foreach (var module in modules) module.Factors?.Dispose();
    }

    // Makes y of W x, or of W x + b with dropout. Without it y = g * z + b with z = (W + s B A) x. With it, as PEFT has it, what was not
    // dropped goes through W as well: y = W x + b + g * z - W d, z = (W + s B A) d, d = dropped x. Returns z.
    private static Tensor AddDora(
        Tensor result, TrainedLinear module, Tensor weight, Tensor x, Tensor shrunk, Tensor expand, Dropout? dropout, Tape tape)
    {
        var through = dropout is null ? result : nn.functional.linear(x.mul(dropout.Mask(module.Number, x)), weight);
        var direction = tape.New(result.shape).copy_(through);
        direction.addmm_(shrunk, expand);
        var scaled = direction.mul(module.Factors!.Gain!);
        if (dropout is not null) result.AddInPlace(scaled.add_(through, Constants.MinusOne));
        else if (module.Bias is null) result.copy_(scaled);
        else result.copy_(scaled.AddInPlace(module.Bias));
        return direction;
    }

    // The base's weight in the compute dtype, a copy for this slice where that is another one.
    private Tensor Widen(Tensor weight, PassInputs inputs) => weight.dtype == dtype ? weight : inputs.New(weight.shape).copy_(weight);

    // x w^T + b into y.
    private static Tensor Product(Tensor y, Tensor x, Tensor w, Tensor? b)
    {
        using var transposed = w.t();
        return b is null ? y.addmm_(x, transposed, 0, 1) : y.copy_(b).addmm_(x, transposed);
    }

    // The gradient of the dropped input. shrunk = s dz B, dz = g dy.
    private static Tensor BackwardDropped(LowRankFactors factors, Tensor weight, Tensor shrunk, Tensor a, Tensor dy, Tensor dz)
    {
        var dropped = shrunk.mm(a);
        if (factors.Gain is not null) dropped.addmm_(dz.sub(dy), weight);
        return dropped;
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
