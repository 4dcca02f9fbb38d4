using LoraServe.Engine.Kernels.Decoding;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>
/// An adapter where its tensors lie in memory, its updates by the places of the model's modules: a step looks up hundreds of them. To be used
/// only while the adapter is leased.
/// </summary>
internal sealed class CpuAdapter : IDisposable
{
    private readonly CpuModules _modules;

    // Copies of tensors that are not laid out as the kernels read them.
    private readonly List<Tensor> _own = [];

    /// <param name="adapter">In the compute dtype, on the CPU.</param>
    /// <param name="modules">The model's.</param>
    /// <exception cref="ArgumentException">A tensor is not of the shape or dtype that the module needs.</exception>
    public CpuAdapter(LoraAdapter adapter, CpuModules modules)
    {
        _modules = modules;
        Updates = [.. modules.Linears.Select(linear => adapter.Linears.TryGetValue(linear.Path, out var update) ? Update(linear, update) : null)];
        Norms = [.. modules.Norms.Select(norm => adapter.Norms.TryGetValue(norm.Path, out var own) ? modules.Address(own, norm.Size) : 0)];
        Embedding = adapter.Embedding is { } embedding ? new CpuEmbedding(embedding, modules) : null;
        MostRank = Math.Max(Updates.Max(update => update?.Rank ?? 0), Embedding?.Rank ?? 0);
    }

    /// <summary>Whether its tensors have been freed: what is read then is no longer theirs.</summary>
    public bool IsFreed { get; private set; }

    /// <summary>By <see cref="CpuLinear.Index"/>; null where the adapter leaves a module as it is.</summary>
    public CpuUpdate?[] Updates { get; }

    /// <summary>Weights that replace those of norms, by <see cref="CpuNorm.Index"/>, or 0.</summary>
    public nint[] Norms { get; }

    /// <summary>The change of the token embedding; null for none.</summary>
    public CpuEmbedding? Embedding { get; }

    /// <summary>The highest rank of an update.</summary>
    public int MostRank { get; }

    /// <summary>Frees its copies, before the adapter frees its tensors.</summary>
    public void Dispose()
    {
        IsFreed = true;
        foreach (var tensor in _own) tensor.Dispose();
        Embedding?.Dispose();
    }

    /// <summary>B [outputs, rank] as kernels read it, [rank, outputs]: a view where it is stored that way, else a copy. The caller owns it.</summary>
    internal static Tensor Transposed(Tensor b)
    {
        using var normalMode = inference_mode(false);
        using var view = b.t();
        return view.contiguous().DetachFromDisposeScope();
    }

    private unsafe CpuUpdate Update(CpuLinear linear, LinearUpdate update)
    {
        if (update is not LowRankUpdate lora)
        {
            var replaced = (ReplacedLinear)update;
            return new CpuUpdate
            {
                Weight = _modules.Address(replaced.Weight, linear.Outputs, linear.Inputs),
                Bias = AddressOf(replaced.Bias, linear.Outputs),
            };
        }

        var rank = (int)lora.A.size(0);
        return new CpuUpdate
        {
            A = rank > 0 ? _modules.Address(lora.A, rank, linear.Inputs) : 0,
            Expansion = new LowRankOperands
            {
                TransposedB = rank > 0 ? (void*)_modules.Address(Own(Transposed(lora.B)), rank, linear.Outputs) : null,
                Rank = rank,
                Outputs = linear.Outputs,
                Scale = (void*)AddressOf(lora.Scale, linear.Outputs),
                Shift = (void*)AddressOf(lora.Shift, linear.Outputs),
            },
        };
    }

    private nint AddressOf(Tensor? tensor, int size) => tensor is null ? 0 : _modules.Address(tensor, size);

    private Tensor Own(Tensor tensor)
    {
        _own.Add(tensor);
        return tensor;
    }
}

/// <summary>How an adapter changes one linear module, where its tensors lie in memory.</summary>
internal sealed class CpuUpdate
{
    /// <summary>A [rank, inputs] of a low-rank update, or 0.</summary>
    public nint A { get; init; }

    /// <summary>The rest of a low-rank update.</summary>
    public LowRankOperands? Expansion { get; init; }

    /// <summary>The weight in place of the base's, or 0 for a low-rank update.</summary>
    public nint Weight { get; init; }

    /// <summary>The bias beside <see cref="Weight"/>, or 0.</summary>
    public nint Bias { get; init; }

    /// <summary>Of a low-rank update; 0 where only a bias was trained.</summary>
    public int Rank => Expansion?.Rank ?? 0;
}
