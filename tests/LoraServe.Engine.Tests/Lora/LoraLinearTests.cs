using LoraServe.Engine.Lora;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Lora;

public sealed class LoraLinearTests : IDisposable
{
    private const string Path = "model.layers.0.self_attn.q_proj";
    private const int In = 24;
    private const int Out = 20;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Tensor _weight;
    private readonly Tensor _bias;
    private readonly LoraLinear _linear;

    public LoraLinearTests()
    {
        _weight = Random(1, Out, In);
        _bias = Random(2, Out);
        _linear = new LoraLinear(Path, _weight, _bias);
    }

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Forward_MixedSegments_EqualsTheDefinitionForEachToken()
    {
        var x = Random(3, 9, In);
        var (one, two) = (Adapter("one", rank: 4), Adapter("two", rank: 7));

        var y = _linear.Forward(x, new LoraBatch([(2, one), (3, LoraAdapter.Base), (4, two)]));

        for (var token = 0; token < 9; token++)
        {
            var row = x.narrow(0, token, 1);
            var expected = nn.functional.linear(row, _weight, _bias);
            var adapter = token < 2 ? one : token < 5 ? LoraAdapter.Base : two;
            if (adapter.Linears.GetValueOrDefault(Path) is LowRankUpdate lora)
                expected = expected.Plus(nn.functional.linear(row, lora.B.mm(lora.A)));
            y.narrow(0, token, 1).allclose(expected, rtol: 1e-5, atol: 1e-5).ShouldBeTrue($"token {token}");
        }
    }

    [Fact]
    public void Forward_TokensOfTheBase_AreUntouchedByOthersAdapters()
    {
        var x = Random(3, 6, In);

        var alone = _linear.Forward(x, new LoraBatch([(6, LoraAdapter.Base)]));
        var mixed = _linear.Forward(x, new LoraBatch([(3, LoraAdapter.Base), (3, Adapter("one", rank: 4))]));

        mixed.narrow(0, 0, 3).eq(alone.narrow(0, 0, 3)).all().item<bool>().ShouldBeTrue();
        mixed.narrow(0, 3, 3).eq(alone.narrow(0, 3, 3)).any().item<bool>().ShouldBeFalse();
    }

    [Fact]
    public void Forward_AdapterOfAnotherModule_ActsAsTheBase()
    {
        var x = Random(3, 2, In);
        var other = new LoraAdapter(new AdapterVersionId("other"), new Dictionary<string, LinearUpdate> { ["model.layers.1.self_attn.q_proj"] = new LowRankUpdate(Random(4, 2, In), Random(5, Out, 2)) });

        _linear.Forward(x, new LoraBatch([(2, other)])).eq(_linear.Forward(x, new LoraBatch([]))).all().item<bool>().ShouldBeTrue();
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void Forward_TokenAloneInBFloat16_IsTheSameAsAmongOthers(int rank)
    {
        const int Tokens = 8192;
        const int Wide = 256;
        // B is the identity: a result shows A x as it was rounded.
        var (a, b) = (Random(30 + rank, rank, Wide).to(ScalarType.BFloat16), eye(rank, dtype: ScalarType.BFloat16));
        var adapter = new LoraAdapter(new AdapterVersionId("wide"), new Dictionary<string, LinearUpdate> { [Path] = new LowRankUpdate(a, b) });
        var linear = new LoraLinear(Path, zeros(rank, Wide, ScalarType.BFloat16), null);
        var x = Random(33, Tokens, Wide).to(ScalarType.BFloat16);

        var together = linear.Forward(x, new LoraBatch([(Tokens, adapter)]));
        var alone = cat([.. Enumerable.Range(0, Tokens).Select(token => linear.Forward(x.narrow(0, token, 1), new LoraBatch([(1, adapter)])))]);

        alone.ne(together).sum().item<long>().ShouldBe(0);
    }

    [Theory]
    [InlineData(4, 64)]
    [InlineData(8, 64)]
    [InlineData(16, 192)]
    [InlineData(16, 256)]
    [InlineData(8, 576)]
    public void Forward_TokenAloneInBFloat16_IsExpandedAsAmongOthers(int rank, int wide)
    {
        const int Tokens = 8192;
        // A is the identity and W zero: a result shows b + B x as it was rounded.
        var (a, b) = (eye(rank, dtype: ScalarType.BFloat16), Random(40 + rank, wide, rank).to(ScalarType.BFloat16));
        var adapter = new LoraAdapter(new AdapterVersionId("wide"), new Dictionary<string, LinearUpdate> { [Path] = new LowRankUpdate(a, b) });
        var linear = new LoraLinear(Path, zeros(wide, rank, ScalarType.BFloat16), Random(43, wide).to(ScalarType.BFloat16));
        var x = Random(44, Tokens, rank).to(ScalarType.BFloat16);

        var together = linear.Forward(x, new LoraBatch([(Tokens, adapter)]));
        var alone = cat([.. Enumerable.Range(0, Tokens).Select(token => linear.Forward(x.narrow(0, token, 1), new LoraBatch([(1, adapter)])))]);

        alone.ne(together).sum().item<long>().ShouldBe(0);
    }

    [Theory]
    [InlineData(3, 4, 0)]
    [InlineData(3, 4, 2)]
    [InlineData(7, 0, 0)]
    public void Forward_ReplacedWeights_GivesEachTokenItsOwn(int first, int second, int ofBase)
    {
        var (w, b) = (Random(50, Out, In), Random(51, Out));
        var linear = new LoraLinear(Path, w, b);
        LoraAdapter[] adapters =
        [
            new(new AdapterVersionId("one"), new Dictionary<string, LinearUpdate> { [Path] = new ReplacedLinear(Random(52, Out, In), Random(53, Out)) }),
            new(new AdapterVersionId("two"), new Dictionary<string, LinearUpdate> { [Path] = new ReplacedLinear(Random(54, Out, In), null) }),
        ];
        var x = Random(55, first + second + ofBase, In);

        var y = linear.Forward(x, new LoraBatch([(first, adapters[0]), (second, adapters[1]), (ofBase, LoraAdapter.Base)]));

        for (var token = 0; token < x.size(0); token++)
        {
            var own = token < first ? (ReplacedLinear)adapters[0].Linears[Path]
                : token < first + second ? (ReplacedLinear)adapters[1].Linears[Path]
                : new ReplacedLinear(w, b);
            var expected = nn.functional.linear(x.narrow(0, token, 1), own.Weight, own.Bias);
            y.narrow(0, token, 1).allclose(expected, 1e-5, 1e-6).ShouldBeTrue($"token {token}");
        }
    }

    [Fact]
    public void Forward_NoTokens_GivesNone() =>
        new LoraLinear(Path, Random(60, Out, In), null).Forward(zeros(0, In), new LoraBatch([])).shape.ShouldBe([0, Out]);

    private static LoraAdapter Adapter(string version, int rank) =>
        new(new AdapterVersionId(version), new Dictionary<string, LinearUpdate> { [Path] = new LowRankUpdate(Random(10 + rank, rank, In), Random(20 + rank, Out, rank)) });

    private static Tensor Random(int seed, params long[] shape) => randn(shape, generator: new Generator((ulong)seed));
}
