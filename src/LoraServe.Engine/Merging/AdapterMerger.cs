using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using static TorchSharp.torch;

namespace LoraServe.Engine.Merging;

/// <summary>
/// Merges one adapter into copies of the base's weights, a module a slice. The base is only read. Where the adapter replaces a module whole,
/// or changes embedding or norms, its own tensors are used.
/// </summary>
internal sealed class AdapterMerger : ISlicedWork
{
    private readonly BaseWeights _weights;
    private readonly LoraAdapter _adapter;
    private readonly Queue<(string Path, LowRankUpdate Lora)> _rest;
    private readonly Dictionary<string, LinearUpdate> _linears;
    private readonly List<Tensor> _views = [];
    private readonly Tensor _memory;
    private readonly WeightMemory _room;
    private bool _isHandedOver;

    /// <param name="weights">The base.</param>
    /// <param name="adapter">Must outlive the merged form.</param>
    /// <param name="memory">From <see cref="Allocate"/> for this adapter or one of as many bytes; taken over.</param>
    public AdapterMerger(BaseWeights weights, LoraAdapter adapter, Tensor memory)
    {
        (_weights, _adapter, _memory) = (weights, adapter, memory);
        _room = new WeightMemory(memory);
        _rest = new(LowRank(adapter));
        _linears = new(adapter.Linears, StringComparer.Ordinal);
    }

    /// <summary>Whether every module is merged.</summary>
    public bool IsComplete => _rest.Count == 0;

    /// <summary>Bytes of the memory that a merge needs, to be counted before it is allocated.</summary>
    public static long Bytes(BaseWeights weights, LoraAdapter adapter) => Elements(weights, adapter) * ElementSize(weights);

    /// <summary>Memory for a merge, in no dispose scope.</summary>
    public static Tensor Allocate(BaseWeights weights, LoraAdapter adapter) =>
        WeightMemory.Allocate(Elements(weights, adapter), weights.Dtype, weights.Device);

    /// <summary>Merges the next module.</summary>
    public bool Advance()
    {
        if (!_rest.TryDequeue(out var module)) return false;
        using var normalMode = inference_mode(false);
        using var noGradient = no_grad();
        var (path, lora) = module;
        var views = Shapes(_weights, path, lora).Select(View).ToList();
        var merged = new ReplacedLinear(views[0], views.Count > 1 ? views[1] : null);
        LinearMerge.MergeWeight(Weight(_weights, path), lora, merged.Weight);
        if (merged.Bias is not null) LinearMerge.MergeBias(_weights.Bias(path), lora, merged.Bias);
        _linears[path] = merged;
        return !IsComplete;
    }

    /// <summary>The merged form, once it is complete, which then belongs to the caller.</summary>
    public MergedTensors Complete()
    {
        if (!IsComplete) throw new InvalidOperationException($"{_rest.Count} modules of {_adapter.Version} are not merged yet.");
        _isHandedOver = true;
        var merged = new LoraAdapter(_adapter.Version, _linears)
        {
            Embedding = _adapter.Embedding,
            Norms = _adapter.Norms,
            InvocationTokens = _adapter.InvocationTokens,
        };
        return new MergedTensors(merged, _views, _memory);
    }

    /// <summary>Frees the merged modules, unless they were handed over.</summary>
    public void Dispose()
    {
        if (_isHandedOver) return;
        foreach (var view in _views) view.Dispose();
        _memory.Dispose();
    }

    private static IEnumerable<(string Path, LowRankUpdate Lora)> LowRank(LoraAdapter adapter) =>
        adapter.Linears.Where(module => module.Value is LowRankUpdate).Select(module => (module.Key, (LowRankUpdate)module.Value));

    private static Tensor Weight(BaseWeights weights, string path) => weights.Weight($"{path}.weight");

    // Shapes of the merged weight, and of the merged bias where there is one.
    private static IEnumerable<long[]> Shapes(BaseWeights weights, string path, LowRankUpdate lora)
    {
        var weight = Weight(weights, path).shape;
        return weights.Bias(path) is null && lora.Shift is null ? [weight] : [weight, [weight[0]]];
    }

    private static long Elements(BaseWeights weights, LoraAdapter adapter) =>
        WeightMemory.Elements(LowRank(adapter).SelectMany(module => Shapes(weights, module.Path, module.Lora)), ElementSize(weights));

    private static long ElementSize(BaseWeights weights) => weights.Embedding.element_size();

    private Tensor View(long[] shape)
    {
        _views.Add(_room.Next(shape));
        return _views[^1];
    }
}
