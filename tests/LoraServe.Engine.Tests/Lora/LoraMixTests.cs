using LoraServe.Engine.Lora;
using LoraServe.Engine.Tests.Peft;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Lora;

public sealed class LoraMixTests : IDisposable
{
    private const string Path = "model.layers.0.self_attn.q_proj";
    private const string Other = "model.layers.0.self_attn.k_proj";

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Combine_PartsOfDifferentModulesAndRanks_IsTheWeightedSum()
    {
        var one = new LoraAdapter(new AdapterVersionId("one"), new Dictionary<string, LinearUpdate> { [Path] = Lora(3, shift: true), [Other] = Lora(2) });
        var two = new LoraAdapter(new AdapterVersionId("two"), new Dictionary<string, LinearUpdate> { [Path] = Lora(5, shift: true) });
        var three = new LoraAdapter(new AdapterVersionId("three"), new Dictionary<string, LinearUpdate> { [Path] = Lora(0, shift: true), [Other] = Lora(1) });

        using var mix = LoraMix.Combine(new AdapterVersionId("mix"), [(one, 0.7), (two, -0.4), (three, 2)]);

        mix.Version.Value.ShouldBe("mix");
        mix.LowRank(Path).A.size(0).ShouldBe(8);
        Delta(mix, Path).allclose((Delta(one, Path) * 0.7) - (Delta(two, Path) * 0.4), atol: 1e-5).ShouldBeTrue();
        Delta(mix, Other).allclose((Delta(one, Other) * 0.7) + (Delta(three, Other) * 2), atol: 1e-5).ShouldBeTrue();
        var shift = (one.LowRank(Path).Shift! * 0.7) - (two.LowRank(Path).Shift! * 0.4) + (three.LowRank(Path).Shift! * 2);
        mix.LowRank(Path).Shift!.allclose(shift, atol: 1e-5).ShouldBeTrue();
        mix.LowRank(Other).Shift.ShouldBeNull();
    }

    [Fact]
    public void Combine_Embeddings_IsTheWeightedSum()
    {
        LoraAdapter[] parts = [.. new[] { 2, 4 }.Select(rank => new LoraAdapter(new AdapterVersionId($"{rank}"), new Dictionary<string, LinearUpdate>())
        {
            Embedding = new LowRankEmbedding(randn(rank, 10), randn(6, rank)),
        })];

        using var mix = LoraMix.Combine(new AdapterVersionId("mix"), [(parts[0], 0.5), (parts[1], -1)]);

        Product(mix).allclose((Product(parts[0]) * 0.5) - Product(parts[1]), atol: 1e-5).ShouldBeTrue();

        static Tensor Product(LoraAdapter adapter) => adapter.Embedding.ShouldBeOfType<LowRankEmbedding>() is var lora ? lora.B.mm(lora.A) : zeros(0);
    }

    [Fact]
    public void Combine_InAScope_HasTensorsOfItsOwn()
    {
        var part = new LoraAdapter(new AdapterVersionId("one"), new Dictionary<string, LinearUpdate> { [Path] = Lora(3, shift: true, ScalarType.BFloat16) });
        LoraAdapter mix;
        using (NewDisposeScope()) mix = LoraMix.Combine(new AdapterVersionId("mix"), [(part, 1)]);

        part.Dispose();

        mix.LowRank(Path).A.IsInvalid.ShouldBeFalse();
        mix.LowRank(Path).Tensors.ShouldAllBe(tensor => tensor.dtype == ScalarType.BFloat16);
        mix.Dispose();
    }

    [Theory]
    [InlineData("llama-gqa", "dora-r4", "is a DoRA")]
    [InlineData("llama-gqa", "activated", "activated LoRA")]
    [InlineData("llama-gqa", "modules-to-save-norm", "replaces norms")]
    [InlineData("llama-gqa", "trainable-tokens", "rows of the embedding")]
    [InlineData("llama-bias-untied", "modules-to-save-head-and-norm", "replaces")]
    [InlineData("llama-gqa", "embeddings", null)]
    [InlineData("llama-gqa", "rslora-r16", null)]
    [InlineData("llama-bias-untied", "bias-all", null)]
    [InlineData("llama-bias-untied", "lora-bias", null)]
    public void Refusal_EachForm_SaysWhetherItCanBeMixed(string model, string golden, string? reason)
    {
        using var folder = new PeftFolder(model, golden);
        using var adapter = folder.Load();

        if (reason is null)
        {
            LoraMix.Refusal(adapter).ShouldBeNull();
            LoraMix.Combine(new AdapterVersionId("mix"), [(adapter, 0.5)]).Dispose();
        }
        else
        {
            LoraMix.Refusal(adapter).ShouldNotBeNull().ShouldContain(reason);
            Should.Throw<ArgumentException>(() => LoraMix.Combine(new AdapterVersionId("mix"), [(adapter, 1)])).Message.ShouldContain(adapter.Version.Value);
        }
    }

    private static LowRankUpdate Lora(int rank, bool shift = false, ScalarType dtype = ScalarType.Float32) =>
        new(randn([rank, 6], dtype), randn([8, rank], dtype), Shift: shift ? randn([8], dtype) : null);

    private static Tensor Delta(LoraAdapter adapter, string path) => adapter.LowRank(path).B.mm(adapter.LowRank(path).A);
}
