using LoraServe.Engine.Kernels;
using LoraServe.Engine.Training.Gradients;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Training.Gradients;

public class FusedAttentionTests
{
    private const int HeadDim = 24;

    /// <summary>Against libtorch's autograd, example by example.</summary>
    [Theory]
    [InlineData(4, 2, null, new[] { 150, 1, 64, 7 })]
    [InlineData(3, 3, null, new[] { 33 })]
    [InlineData(6, 1, 20, new[] { 130, 19, 20, 21 })]
    [InlineData(2, 1, 1, new[] { 70 })]
    public void ForwardAndBackward_ExamplesOfAnyLength_EqualLibtorch(int heads, int kvHeads, int? window, int[] lengths)
    {
        using var scope = NewDisposeScope();
        var shape = new AttentionHeads(heads, kvHeads, HeadDim, window);
        var tokens = lengths.Sum();
        var (query, dy) = (Random(1, tokens, heads), Random(2, tokens, heads));
        var (key, value) = (Random(3, tokens, kvHeads), Random(4, tokens, kvHeads));
        Assert.SkipUnless(FusedAttention.Support(query), "This processor multiplies by libtorch.");
        var result = empty(tokens, heads * HeadDim);
        var (dquery, dkey, dvalue) = (empty_like(query), zeros_like(key), zeros_like(value));

        FusedAttention.Forward(query, key, value, lengths, shape, result);
        FusedAttention.Backward(dy, query, key, value, lengths, shape, dquery, dkey, dvalue);

        var (q, k, v) = (query.clone().requires_grad_(true), key.clone().requires_grad_(true), value.clone().requires_grad_(true));
        var expected = Expected(q, k, v, lengths, heads / kvHeads, window);
        (expected * dy).sum().backward();
        ShouldEqual(result.view(query.shape), expected.detach());
        ShouldEqual(dquery, q.grad!);
        ShouldEqual(dkey, k.grad!);
        ShouldEqual(dvalue, v.grad!);
    }

    private static Tensor Expected(Tensor query, Tensor key, Tensor value, int[] lengths, int group, int? window)
    {
        var (results, start) = (new List<Tensor>(), 0);
        foreach (var length in lengths)
        {
            var q = query.narrow(0, start, length).transpose(0, 1);
            var k = key.narrow(0, start, length).repeat_interleave(group, dim: 1).transpose(0, 1);
            var v = value.narrow(0, start, length).repeat_interleave(group, dim: 1).transpose(0, 1);
            var distance = arange(length).unsqueeze(1) - arange(length);
            var hidden = distance.lt(0).logical_or(distance.ge(window ?? length));
            var scores = (q.bmm(k.transpose(1, 2)) / Math.Sqrt(HeadDim)).masked_fill(hidden, float.NegativeInfinity);
            results.Add(scores.softmax(-1).bmm(v).transpose(0, 1));
            start += length;
        }

        return cat(results);
    }

    private static Tensor Random(ulong seed, long tokens, long heads)
    {
        using var generator = new Generator(seed);
        return randn([tokens, heads, HeadDim], generator: generator);
    }

    private static void ShouldEqual(Tensor actual, Tensor expected) =>
        ((actual - expected).abs() / (1 + expected.abs())).max().item<float>().ShouldBeLessThan(2e-5f);
}
