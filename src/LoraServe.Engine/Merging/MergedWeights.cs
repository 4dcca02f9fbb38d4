using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using static TorchSharp.torch;

namespace LoraServe.Engine.Merging;

/// <summary>The tensors of a checkpoint that acts as a base with an adapter, computed one by one.</summary>
internal sealed class MergedWeights
{
    // The head and the embedding of trained tokens reach the same rows by different arithmetic.
    private const double RoundingDifference = 1e-6;

    private readonly ModelConfig _config;
    private readonly BaseWeights _weights;
    private readonly LoraAdapter _adapter;

    /// <param name="config">The base's.</param>
    /// <param name="weights">The base in float32.</param>
    /// <param name="adapter">In float32; an activated LoRA has no weights that act as it does.</param>
    public MergedWeights(ModelConfig config, BaseWeights weights, LoraAdapter adapter)
    {
        (_config, _weights, _adapter) = (config, weights, adapter);
        TiesHead = config.TieWordEmbeddings && HeadEqualsEmbedding();
    }

    /// <summary>Whether the output head still has the embedding's weight.</summary>
    public bool TiesHead { get; }

    /// <summary>Names and shapes of all tensors.</summary>
    public IEnumerable<(string Name, long[] Shape)> Tensors => ModelLayout.Tensors(_config with { TieWordEmbeddings = TiesHead });

    /// <summary>Modules whose bias the adapter trained although the base has none, so that no checkpoint of this kind can hold it.</summary>
    public IEnumerable<string> NewBiases => _adapter.Linears
        .Where(module => module.Value is LowRankUpdate { Shift: not null } && _weights.Bias(module.Key) is null)
        .Select(module => module.Key);

    /// <summary>One tensor in float32; the caller owns it.</summary>
    /// <param name="name">One of <see cref="Tensors"/>.</param>
    public Tensor Merge(string name)
    {
        using var scope = NewDisposeScope();
        var path = name[..name.LastIndexOf('.')];
        var own = _weights.Weight(name);
        var merged = path == ModelLayout.Embedding ? MergeEmbedding(own)
            : _adapter.Norms.TryGetValue(path, out var norm) ? norm
            : !_adapter.Linears.TryGetValue(path, out var update) ? own
            : name.EndsWith(".bias", StringComparison.Ordinal) ? MergeBias(own, update)
            : MergeWeight(own, update);
        return merged.clone().MoveToOuterDisposeScope();
    }

    private static Tensor MergeWeight(Tensor own, LinearUpdate update)
    {
        if (update is not LowRankUpdate lora) return ((ReplacedLinear)update).Weight;
        var merged = empty_like(own);
        LinearMerge.MergeWeight(own, lora, merged);
        return merged;
    }

    private static Tensor MergeBias(Tensor own, LinearUpdate update)
    {
        if (update is not LowRankUpdate lora) return ((ReplacedLinear)update).Bias ?? zeros_like(own);
        var merged = empty_like(own);
        LinearMerge.MergeBias(own, lora, merged);
        return merged;
    }

    private Tensor MergeEmbedding(Tensor own)
    {
        switch (_adapter.Embedding)
        {
            case LowRankEmbedding lora:
                var scaled = lora.Scale is null ? own : own.mul(lora.Scale);
                return addmm(scaled, lora.A.t(), lora.B.t(), 1, 1);
            case ReplacedRows replaced:
                return own.index_copy(0, replaced.TokenIds, replaced.Rows);
            case ReplacedEmbedding replaced:
                return replaced.Weight;
            default:
                return own;
        }
    }

    private bool HeadEqualsEmbedding()
    {
        if (_adapter.Embedding is null && !_adapter.Linears.ContainsKey(ModelLayout.Head)) return true;
        using var scope = NewDisposeScope();
        var embedding = Merge($"{ModelLayout.Embedding}.weight");
        var difference = Merge($"{ModelLayout.Head}.weight").sub(embedding).abs().max().item<float>();
        return difference <= RoundingDifference * embedding.abs().max().item<float>();
    }
}
