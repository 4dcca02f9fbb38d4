using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// softmax(q k^T / sqrt(d)) v in float32, forward and backward, block of queries by block of queries: the probabilities are computed again on the
/// backward pass, so that memory grows with the length of an example and not with its square.
/// </summary>
/// <param name="config">Heads.</param>
/// <param name="window">How many positions back a token sees, itself included; null sees all.</param>
internal sealed class AttentionCore(ModelConfig config, int? window)
{
    // Queries of a block. Keys that none of them sees are not multiplied.
    private const int BlockSize = 128;

    private readonly AttentionHeads _heads = new(config.HeadCount, config.KvHeadCount, config.HeadDim, window);

    /// <summary>Computes the result.</summary>
    /// <param name="query">[tokens, heads, headDim].</param>
    /// <param name="key">[tokens, kvHeads, headDim].</param>
    /// <param name="value">[tokens, kvHeads, headDim].</param>
    /// <param name="lengths">Tokens of each example.</param>
    /// <param name="result">[tokens, heads * headDim], written to.</param>
    public void Forward(Tensor query, Tensor key, Tensor value, IReadOnlyList<int> lengths, Tensor result)
    {
        if (FusedAttention.Support(query))
        {
            FusedAttention.Forward(query, key, value, lengths, _heads, result);
            return;
        }

        foreach (var block in Blocks(lengths))
        {
            using var scope = NewDisposeScope();
            var probabilities = Probabilities(query, key, block);
            var attended = probabilities.bmm(Keys(value, block));
            Unfolded(result, block).copy_(Unfold(attended, block));
        }
    }

    /// <summary>Gradients of queries, keys and values in their shapes and dtype, in the current dispose scope.</summary>
    /// <param name="dy">Gradient of the result.</param>
    /// <param name="query">As in the forward pass, like the others.</param>
    /// <param name="key">The keys.</param>
    /// <param name="value">The values.</param>
    /// <param name="inputs">Tokens of each example, and memory for the results.</param>
    public (Tensor Query, Tensor Key, Tensor Value) Backward(
        Tensor dy, Tensor query, Tensor key, Tensor value, PassInputs inputs)
    {
        var dquery = inputs.New(query.shape);
        var (dkey, dvalue) = (Zeros(key, inputs), Zeros(value, inputs));
        if (FusedAttention.Support(query))
        {
            FusedAttention.Backward(dy, query, key, value, inputs.Lengths, _heads, dquery, dkey, dvalue);
            return (dquery, dkey, dvalue);
        }

        dy = dy.view(query.shape);
        foreach (var block in Blocks(inputs.Lengths))
        {
            using var scope = NewDisposeScope();
            var probabilities = Probabilities(query, key, block);
            var gradient = Fold(dy, block);

            var dscores = ScoresBackward(probabilities, gradient.bmm(Keys(value, block).transpose(1, 2)));
            Add(dvalue, block, probabilities.transpose(1, 2).bmm(gradient));
            Add(dkey, block, dscores.transpose(1, 2).bmm(Fold(query, block)));
            Unfolded(dquery, block).copy_(Unfold(dscores.bmm(Keys(key, block)), block));
        }

        return (dquery, dkey.to(key.dtype), dvalue.to(value.dtype));
    }

    // Sums of several blocks, in float32.
    private static Tensor Zeros(Tensor key, PassInputs inputs) =>
        key.dtype == ScalarType.Float32 ? inputs.New(key.shape).zero_() : zeros_like(key, ScalarType.Float32);

    private IEnumerable<AttentionBlock> Blocks(IReadOnlyList<int> lengths)
    {
        var start = 0;
        foreach (var length in lengths)
        {
            foreach (var block in AttentionBlock.Of(length, window, BlockSize))
                yield return block with { Start = start + block.Start, KeyStart = start + block.KeyStart };

            start += length;
        }
    }

    // [kvHeads, group * queries, keys]
    private Tensor Probabilities(Tensor query, Tensor key, AttentionBlock block)
    {
        var scores = Fold(query, block).bmm(Keys(key, block).transpose(1, 2));
        if (FusedSteps.Support(scores, 0))
        {
            FusedSteps.Softmax(scores, block.Count, block.Start - block.KeyStart, window, _heads.Scale);
            return scores;
        }

        using var scale = tensor(_heads.Scale, device: scores.device);
        return nn.functional.softmax(scores.mul_(scale).AddInPlace(Mask(block, scores.device)), 2);
    }

    // dS = scale * P * (dP - sum(dP * P)), in place of dP = dO V^T.
    private Tensor ScoresBackward(Tensor probabilities, Tensor gradients)
    {
        if (FusedSteps.Support(gradients, 0))
        {
            FusedSteps.SoftmaxBackward(probabilities, gradients, _heads.Scale);
            return gradients;
        }

        using var scale = tensor(_heads.Scale, device: gradients.device);
        var sums = gradients.mul(probabilities).sum(2, keepdim: true);
        return gradients.add_(sums, Constants.MinusOne).mul_(probabilities).mul_(scale);
    }

    // [group * queries, keys]: 0 where a query sees a key, else -infinity.
    private Tensor Mask(AttentionBlock block, Device device)
    {
        var rows = new float[block.Count * block.KeyCount];
        for (var i = 0; i < block.Count; i++)
        {
            var position = block.Start + i - block.KeyStart;
            var row = rows.AsSpan(i * block.KeyCount, block.KeyCount);
            if (window is { } w && position - w + 1 > 0) row[..(position - w + 1)].Fill(float.NegativeInfinity);
            row[(position + 1)..].Fill(float.NegativeInfinity);
        }

        return tensor(rows, [block.Count, block.KeyCount], device: device).repeat(_heads.Group, 1);
    }

    // The query heads of one key head lie one after the other: [kvHeads, group * queries, headDim] in float32.
    private Tensor Fold(Tensor query, AttentionBlock block) => query.narrow(0, block.Start, block.Count)
        .view(block.Count, config.KvHeadCount, _heads.Group, config.HeadDim)
        .permute(1, 2, 0, 3)
        .to(ScalarType.Float32)
        .reshape(config.KvHeadCount, _heads.Group * block.Count, config.HeadDim);

    private Tensor Unfold(Tensor folded, AttentionBlock block) =>
        folded.view(config.KvHeadCount, _heads.Group, block.Count, config.HeadDim).permute(2, 0, 1, 3);

    private Tensor Unfolded(Tensor query, AttentionBlock block) =>
        query.narrow(0, block.Start, block.Count).view(block.Count, config.KvHeadCount, _heads.Group, config.HeadDim);

    // [kvHeads, keys, headDim] in float32
    private static Tensor Keys(Tensor key, AttentionBlock block) =>
        key.narrow(0, block.KeyStart, block.KeyCount).transpose(0, 1).to(ScalarType.Float32);

    private static void Add(Tensor sum, AttentionBlock block, Tensor part) =>
        sum.narrow(0, block.KeyStart, block.KeyCount).transpose(0, 1).AddInPlace(part);
}
