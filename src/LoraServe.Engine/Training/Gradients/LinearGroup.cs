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

    /// <summary>Whether any of them is trained.</summary>
    public bool IsTrained => modules.Any(module => module.IsTrained);

    /// <summary>Must be called after parameters were written.</summary>
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
    /// <param name="x">The input, which the caller keeps for the backward pass.</param>
    /// <param name="inputs">Memory, and the dropout of A's input.</param>
    /// <param name="tape">Keeps what the group needs in the backward pass.</param>
    /// <param name="kept">Is filled with it.</param>
    /// <param name="keepsResults">Whether the results are kept as well; otherwise they are freed with the slice.</param>
    public Tensor[] Forward(Tensor x, PassInputs inputs, Tape tape, LinearTape kept, bool keepsResults)
    {
        var dropout = inputs.Dropout;
        var terms = new List<ProductTerm>();
        if (_a is not null && dropout is null)
            terms.Add(new ProductTerm(_a, kept.Shrunk = tape.New(x.size(0), _a.size(0))));
        else if (_a is not null)
            kept.Shrunk = ShrinkDropped(x, dropout!, tape);
        var results = new Tensor[modules.Count];
        for (var i = 0; i < modules.Count; i++)
        {
            var module = modules[i];
            var size = module.Weight.size(0);
            results[i] = keepsResults ? tape.New(x.size(0), size) : inputs.New(x.size(0), size);
            var bias = module.Factors?.Gain is null || dropout is not null ? module.Bias : null;
            if (bias is not null) results[i].copy_(bias);
            terms.Add(new ProductTerm(module.Weight, results[i], Adds: bias is not null));
        }

        Products.Run(x, [.. terms]);
        kept.Directions = new Tensor?[modules.Count];
        var rank = 0L;
        for (var i = 0; i < modules.Count; i++)
        {
            if (modules[i].Factors is not { } factors) continue;
            using var shrunk = kept.Shrunk!.narrow(1, rank, factors.Rank);
            rank += factors.Rank;
            if (factors.Gain is null) Products.Run(shrunk, new ProductTerm(factors.ScaledB, results[i], Adds: true));
            else kept.Directions[i] = AddDora(results[i], modules[i], x, shrunk, inputs, tape);
        }

        return results;
    }

    /// <summary>Adds to the gradients of the parameters and returns that of x, which is freed with the slice.</summary>
    /// <param name="dys">Gradients of the results.</param>
    /// <param name="x">The input.</param>
    /// <param name="inputs">As in the forward pass.</param>
    /// <param name="kept">Filled in the forward pass.</param>
    /// <param name="needsInput">Whether the gradient of x is needed; otherwise null is returned.</param>
    public Tensor? Backward(IReadOnlyList<Tensor> dys, Tensor x, PassInputs inputs, LinearTape kept, bool needsInput)
    {
        var dropout = inputs.Dropout;
        Tensor? dx = null;
        var shrunk = _a is null ? null : inputs.New(x.size(0), _a.size(0));
        var rank = 0L;
        for (var i = 0; i < modules.Count; i++)
        {
            var (module, dy) = (modules[i], dys[i]);
            module.WeightParameter?.AddProduct(dy, x);
            module.BiasParameter?.Add(dy.sum(0, type: ScalarType.Float32));
            var terms = new List<ProductTerm>();
            if (needsInput)
            {
                terms.Add(new ProductTerm(module.Weight, dx ?? inputs.New(x.shape), IsTransposed: false, Adds: dx is not null));
                dx = terms[0].Result;
            }

            if (module.Factors is not { } factors)
            {
                if (needsInput) Products.Run(dy, [.. terms]);
                continue;
            }

            var dz = factors.Gain is null ? dy : dy.mul(factors.Gain);
            if (factors.Gain is not null) factors.AddMagnitude(dy, kept.Directions[i]!);
            var part = shrunk!.narrow(1, rank, factors.Rank);
            var term = new ProductTerm(factors.ScaledB, part, IsTransposed: false);
            if (factors.Gain is null || dropout is null)
            {
                Products.Run(dz, [.. terms, term]);
            }
            else
            {
                // AddDora leaves W x without dropout and gain, so W multiplies dy here and not dz.
                if (needsInput) Products.Run(dy, [.. terms]);
                Products.Run(dz, term);
            }

            factors.B.AddProduct(dz, kept.Shrunk!.narrow(1, rank, factors.Rank), factors.Scaling);
            var mask = dropout?.Mask(module.Number, x);
            factors.A.AddProduct(part, mask is null ? x : x.mul(mask));
            if (needsInput && mask is not null)
                dx!.AddInPlace(BackwardDropped(module, part, _a!.narrow(0, rank, factors.Rank), dy, dz, inputs).mul_(mask));
            rank += factors.Rank;
        }

        if (needsInput && shrunk is not null && dropout is null) Products.Run(shrunk, new ProductTerm(_a!, dx!, IsTransposed: false, Adds: true));
        return dx;
    }

    /// <summary>Frees derived tensors, not the parameters.</summary>
    public void Dispose()
    {
        _a?.Dispose();
        foreach (var module in modules) module.Factors?.Dispose();
    }

    // Makes y of W x, or of W x + b with dropout. Without it y = g * z + b with z = (W + s B A) x. With it, as PEFT has it, what was not
    // dropped goes through W as well: y = W x + b + g * z - W d, z = (W + s B A) d, d = dropped x. Returns z.
    private static Tensor AddDora(Tensor result, TrainedLinear module, Tensor x, Tensor shrunk, PassInputs inputs, Tape tape)
    {
        var (dropout, factors) = (inputs.Dropout, module.Factors!);
        var through = result;
        if (dropout is not null)
        {
            through = inputs.New(result.shape);
            Products.Run(x.mul(dropout.Mask(module.Number, x)), new ProductTerm(module.Weight, through));
        }

        var direction = tape.New(result.shape).copy_(through);
        Products.Run(shrunk, new ProductTerm(factors.ScaledB, direction, Adds: true));
        var scaled = direction.mul(factors.Gain!);
        if (dropout is not null) result.AddInPlace(scaled.add_(through, Constants.MinusOne));
        else if (module.Bias is null) result.copy_(scaled);
        else result.copy_(scaled.AddInPlace(module.Bias));
        return direction;
    }

    // The gradient of the dropped input. shrunk = s dz B, dz = g dy.
    private static Tensor BackwardDropped(TrainedLinear module, Tensor shrunk, Tensor a, Tensor dy, Tensor dz, PassInputs inputs)
    {
        var dropped = inputs.New(shrunk.size(0), a.size(1));
        Products.Run(shrunk, new ProductTerm(a, dropped, IsTransposed: false));
        if (module.Factors!.Gain is not null)
            Products.Run(dz.sub(dy), new ProductTerm(module.Weight, dropped, IsTransposed: false, Adds: true));
        return dropped;
    }

    private Tensor ShrinkDropped(Tensor x, Dropout dropout, Tape tape)
    {
        var shrunk = tape.New(x.size(0), _a!.size(0));
        var rank = 0L;
        foreach (var module in modules)
        {
            if (module.Factors is not { } factors) continue;
            var dropped = x.mul(dropout.Mask(module.Number, x));
            Products.Run(dropped, new ProductTerm(_a.narrow(0, rank, factors.Rank), shrunk.narrow(1, rank, factors.Rank)));
            rank += factors.Rank;
        }

        return shrunk;
    }
}
