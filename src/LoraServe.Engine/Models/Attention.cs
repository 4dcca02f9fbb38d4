using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>
/// Causal grouped-query attention (Ainslie et al. 2023) over the KV cache. Each sequence is computed separately, so that its result
/// does not depend on the others in the batch.
/// </summary>
internal sealed class Attention : IDisposable
{
    private readonly ModelConfig _config;
    private readonly int _layer;
    private readonly KvCache _cache;
    private readonly LoraLinear _queryProjection;
    private readonly LoraLinear _keyProjection;
    private readonly LoraLinear _valueProjection;
    private readonly LoraLinear _outputProjection;
    private readonly RmsNorm? _queryNorm;
    private readonly RmsNorm? _keyNorm;

    /// <summary>Takes its modules from the weights; qwen3 also has norms for queries and keys.</summary>
    public Attention(ModelConfig config, int layer, BaseWeights weights, KvCache cache)
    {
        var path = $"{ModelLayout.Layer(layer)}.self_attn";
        (_config, _layer, _cache) = (config, layer, cache);
        _queryProjection = weights.Linear($"{path}.q_proj");
        _keyProjection = weights.Linear($"{path}.k_proj");
        _valueProjection = weights.Linear($"{path}.v_proj");
        _outputProjection = weights.Linear($"{path}.o_proj");
        if (!config.QkNorm) return;
        _queryNorm = weights.Norm($"{path}.q_norm");
        _keyNorm = weights.Norm($"{path}.k_norm");
    }

    /// <summary>x [tokens, hidden] to [tokens, hidden]; the caller owns the result.</summary>
    public Tensor Forward(Tensor x, TokenTensors batch, AttentionInputs inputs)
    {
        using var scope = NewDisposeScope();
        var query = Heads(_queryProjection.Forward(x, batch.Lora), _config.HeadCount, _queryNorm, batch.Lora);
        var key = Heads(_keyProjection.Forward(x, batch.Lora), _config.KvHeadCount, _keyNorm, batch.Lora);
        var value = Heads(_valueProjection.Forward(x, batch.Lora), _config.KvHeadCount, null, batch.Lora);
        query = RotaryEmbedding.Rotate(query, inputs.Cosine, inputs.Sine);
        key = RotaryEmbedding.Rotate(key, inputs.Cosine, inputs.Sine);
        _cache.Write(_layer, batch.KvPositions, key, value);

        var attended = batch.Spans.Select((span, i) => Attend(query, span, i, inputs)).ToList();
        var joined = attended.Count == 1 ? attended[0] : cat(attended, dim: 0);
        return _outputProjection.Forward(joined, batch.Lora).MoveToOuterDisposeScope();
    }

    /// <summary>Frees its norms' constants.</summary>
    public void Dispose()
    {
        _queryNorm?.Dispose();
        _keyNorm?.Dispose();
    }

    private Tensor Heads(Tensor x, int heads, RmsNorm? norm, LoraBatch lora)
    {
        var split = x.view(x.size(0), heads, _config.HeadDim);
        return norm is null ? split : norm.Forward(split, lora);
    }

    private Tensor Attend(Tensor query, SpanTensors span, int index, AttentionInputs inputs)
    {
        var window = _config.SlidingWindows[_layer];
        var (keys, values) = _cache.Read(_layer, span.ContextKvPositions);
        query = query.narrow(0, span.Start, span.Count);
        return inputs.IsSliced(index)
            ? AttendInSlices(query, keys, values, window, inputs)
            : Attend(query, keys, values, inputs.Masks(window)[index]);
    }

    // Each slice sees the context up to its last token. Masks kept for all layers would not fit into memory, so each layer makes its own.
    private Tensor AttendInSlices(Tensor query, Tensor keys, Tensor values, int? window, AttentionInputs inputs)
    {
        var (count, context) = ((int)query.size(0), (int)keys.size(0));
        var rows = (int)Math.Max(1, inputs.MostElements / AttentionMask.Elements(1, context, _config.HeadCount / _config.KvHeadCount));
        var slices = new List<Tensor>();
        for (var start = 0; start < count; start += rows)
        {
            var length = Math.Min(rows, count - start);
            var seen = context - count + start + length;
            using var mask = inputs.Mask(length, seen, window);
            slices.Add(Attend(query.narrow(0, start, length), keys.narrow(0, 0, seen), values.narrow(0, 0, seen), mask));
        }

        return cat(slices, dim: 0);
    }

    // The query heads of one key head are folded into the query length: [1, kvHeads, group * tokens, headDim]. That is exact, and a
    // single new token then needs neither a mask nor repeated keys.
    private Tensor Attend(Tensor query, Tensor keys, Tensor values, Tensor? mask)
    {
        var (count, kvHeads, headDim) = ((int)query.size(0), _config.KvHeadCount, _config.HeadDim);
        var group = _config.HeadCount / kvHeads;
        var folded = query.view(count, kvHeads, group, headDim)
            .permute(1, 2, 0, 3)
            .reshape(1, kvHeads, group * count, headDim);
        var attended = nn.functional.scaled_dot_product_attention(
            folded, keys.transpose(0, 1).unsqueeze(0), values.transpose(0, 1).unsqueeze(0), mask);
        return attended.view(kvHeads, group, count, headDim)
            .permute(2, 0, 1, 3)
            .reshape(count, _config.HeadCount * headDim);
    }
}
