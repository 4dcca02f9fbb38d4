using LoraServe.Engine.Lora;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Lora;

public sealed class LoraEmbeddingTests : IDisposable
{
    private const int Vocabulary = 12;
    private const int Hidden = 6;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Tensor _weight = randn(Vocabulary, Hidden);

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Forward_MixedSegments_GivesEachTokenItsOwn()
    {
        var lora = new LowRankEmbedding(randn(2, Vocabulary), randn(Hidden, 2), randn(Hidden));
        var rows = new ReplacedRows(tensor(new long[] { 11, 0 }), randn(2, Hidden));
        var whole = new ReplacedEmbedding(randn(Vocabulary, Hidden));
        var ids = tensor(new long[] { 3, 11, 0, 11, 4, 0, 11, 5, 7 });

        var y = new LoraEmbedding(_weight).Forward(
            ids, new LoraBatch([(2, Adapter(lora)), (2, LoraAdapter.Base), (3, Adapter(rows)), (1, Adapter(whole)), (1, Plain())]));

        Tensor[] expected =
        [
            LoraRow(lora, 3), LoraRow(lora, 11), _weight[0], _weight[11], _weight[4], rows.Rows[1], rows.Rows[0], whole.Weight[5], _weight[7],
        ];
        y.allclose(stack(expected), rtol: 1e-5, atol: 1e-6).ShouldBeTrue();
        foreach (var token in new[] { 2, 3, 4, 5, 6, 7, 8 }) y[token].Equals(expected[token]).ShouldBeTrue($"token {token}");
    }

    [Fact]
    public void Forward_BaseAlone_IsARowOfEach()
    {
        var ids = tensor(new long[] { 1, 1, 9 });

        new LoraEmbedding(_weight).Forward(ids, new LoraBatch([])).Equals(_weight.index_select(0, ids)).ShouldBeTrue();
    }

    private Tensor LoraRow(LowRankEmbedding lora, int token) => (_weight[token] * lora.Scale!) + lora.B.mv(lora.A.select(1, token));

    private static LoraAdapter Plain() => new(new AdapterVersionId("plain"), new Dictionary<string, LinearUpdate>());

    private static LoraAdapter Adapter(EmbeddingUpdate update) => new(new AdapterVersionId("some"), new Dictionary<string, LinearUpdate>()) { Embedding = update };
}
