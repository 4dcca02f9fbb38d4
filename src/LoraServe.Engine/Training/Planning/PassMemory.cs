using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Planning;

/// <summary>
/// The memory of one <see cref="TrainingPass"/>, from the tensors it makes: those kept for the backward pass, those of its largest slice,
/// and what libtorch allocates beside them.
/// </summary>
/// <param name="config">The shape of the model.</param>
/// <param name="modules">Its linear modules.</param>
/// <param name="settings">What is trained.</param>
/// <param name="ranks">Of its modules.</param>
/// <param name="elementSize">Bytes of an element of the compute dtype: 4 or 2.</param>
internal sealed class PassMemory(ModelConfig config, ModelModules modules, TrainingSettings settings, ModuleRanks ranks, int elementSize)
{
    // Queries of a block of attention.
    private const int BlockSize = 128;

    private readonly Dictionary<string, LinearModule> _linears = modules.Linears.ToDictionary(linear => linear.Path, StringComparer.Ordinal);

    // The number of layers if none is trained.
    private readonly int _lowestTrained = settings.Method == TrainingMethod.Full
        ? 0
        : Enumerable.Range(0, config.LayerCount).FirstOrDefault(layer => Paths(layer).Any(path => ranks.Of(path) > 0), config.LayerCount);

    private long Query => (long)config.HeadCount * config.HeadDim;

    private long Key => (long)config.KvHeadCount * config.HeadDim;

    private long Hidden => config.HiddenSize;

    private long Inner => config.IntermediateSize;

    private bool IsFull => settings.Method == TrainingMethod.Full;

    /// <summary>Bytes of a pass forward and backward.</summary>
    /// <param name="tokens">Of all examples; each may be a target.</param>
    /// <param name="longest">Of its longest example.</param>
    public long Training(long tokens, long longest)
    {
        var (kept, slice) = (new StackSize(), new StackSize());
        kept.Push(Scaled([Hidden, Hidden, Hidden, Hidden], tokens));
        for (var i = 0; i < config.LayerCount; i++)
        {
            if (i < _lowestTrained) continue;
            if (!settings.Recompute) kept.Push(Scaled(Layer(i), tokens));
            kept.Push(tokens * Hidden);
        }

        var widest = Math.Min(_lowestTrained, config.LayerCount - 1);
        if (settings.Recompute) slice.Push(Scaled(Layer(widest), tokens));
        slice.Push(Scaled([Hidden, Hidden, .. Backward(widest)], tokens));
        return Total(kept, slice, tokens, longest) + (tokens * Loose(widest));
    }

    /// <summary>Bytes of a forward pass alone, as on held-out examples.</summary>
    /// <param name="tokens">Of all of its examples.</param>
    /// <param name="longest">Of its longest example.</param>
    public long Evaluation(long tokens, long longest)
    {
        var (kept, slice) = (new StackSize(), new StackSize());
        kept.Push(Scaled([Hidden, Hidden, Hidden], tokens));
        slice.Push(Scaled([.. Layer(0), Hidden, Hidden], tokens));
        return Total(kept, slice, tokens, longest);
    }

    private long Total(StackSize kept, StackSize slice, long tokens, long longest)
    {
        // A row of logits with its gradient and, without the fused steps, its softmax.
        var logits = TrainedHead.ChunkRowsOf(config.VocabularySize) * (long)config.VocabularySize * (elementSize + (3 * sizeof(float)));
        var attention = (long)config.HeadCount * Math.Min(BlockSize, longest) * longest * sizeof(float) * 3;
        var places = tokens * (64 + (4L * config.HeadDim));
        var wide = IsFused(tokens) ? 0 : tokens * sizeof(float) * ((8 * Inner) + (6 * Hidden) + (4 * Query) + (4 * Key));
        return (elementSize * (kept.Elements + slice.Elements)) + logits + attention + places + wide;
    }

    // Elements for each token that a layer keeps for the backward pass, in their order.
    private IEnumerable<long> Layer(int layer)
    {
        var path = ModelLayout.Layer(layer);
        return
        [
            Hidden,
            .. Group($"{path}.self_attn.", "q_proj", "k_proj", "v_proj"),
            .. config.QkNorm ? new[] { Query, Key } : [],
            // Without the fused steps, rotated ones are separate tensors.
            .. IsRotatedInPlace ? Array.Empty<long>() : [Query, Key],
            Query,
            .. Group($"{path}.self_attn.", keepsResults: false, "o_proj"),
            Hidden,
            Hidden,
            .. Group($"{path}.mlp.", "gate_proj", "up_proj"),
            Inner,
            .. Group($"{path}.mlp.", keepsResults: false, "down_proj"),
        ];
    }

    private IEnumerable<long> Group(string path, params string[] names) => Group(path, keepsResults: true, names);

    private IEnumerable<long> Group(string path, bool keepsResults, params string[] names)
    {
        var targets = names.Select(name => path + name).ToList();
        yield return targets.Sum(Rank);
        foreach (var target in targets)
        {
            if (keepsResults) yield return _linears[target].OutFeatures;
            if (settings.UseDora && Rank(target) > 0) yield return _linears[target].OutFeatures;
        }
    }

    // Elements for each token that the backward pass through a layer needs until its end.
    private IEnumerable<long> Backward(int layer)
    {
        var rankSum = Paths(layer).Sum(Rank);
        return [rankSum, Inner, Inner, Inner, Hidden, Query, Query, Key, Key, Hidden, .. DroppedInputs(layer)];
    }

    private IEnumerable<long> DroppedInputs(int layer) =>
        settings.Dropout > 0 ? Paths(layer).Where(path => Rank(path) > 0).Select(path => (long)_linears[path].InFeatures) : [];

    // Bytes per token that libtorch allocates in a slice: masks and dropped inputs, and results scaled by DoRA.
    private long Loose(int layer)
    {
        var dropped = DroppedInputs(layer).Sum() * ((3L * elementSize) + sizeof(float));
        var scaled = settings.UseDora
            ? Paths(layer).Where(path => Rank(path) > 0).Sum(path => _linears[path].OutFeatures * ((2L * elementSize) + (2 * sizeof(float))))
            : 0;
        var norms = IsFull ? 4 * sizeof(float) * Hidden : 0;
        return dropped + scaled + norms;
    }

    private static string[] Paths(int layer)
    {
        var path = ModelLayout.Layer(layer);
        return
        [
            $"{path}.self_attn.q_proj", $"{path}.self_attn.k_proj", $"{path}.self_attn.v_proj", $"{path}.self_attn.o_proj",
            $"{path}.mlp.gate_proj", $"{path}.mlp.up_proj", $"{path}.mlp.down_proj",
        ];
    }

    private long Rank(string path) => ranks.Of(path);

    private bool IsRotatedInPlace => config.HeadDim % 16 == 0;

    // See FusedSteps.Support.
    private bool IsFused(long tokens) => Inner % 8 == 0 && Hidden % 8 == 0 && tokens * Math.Max(Inner, Query) * elementSize <= int.MaxValue;

    private static long[] Scaled(IEnumerable<long> sizes, long tokens) => [.. sizes.Select(size => size * tokens)];
}
