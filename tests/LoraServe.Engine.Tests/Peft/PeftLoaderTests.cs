using System.Text.Json.Nodes;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Tests.Lora;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Peft;

public class PeftLoaderTests
{
    private const string Query = "model.layers.0.self_attn.q_proj";

    public static TheoryData<string, string> AllAdapters
    {
        get
        {
            var adapters = new TheoryData<string, string>();
            foreach (var model in new[] { "llama-gqa", "llama-bias-untied", "qwen3" })
                foreach (var folder in Directory.GetDirectories(GoldenData.Path("adapters", model))) adapters.Add(model, Path.GetFileName(folder));
            return adapters;
        }
    }

    [Theory]
    [MemberData(nameof(AllAdapters))]
    public void Load_AnyForm_TakesTheMemoryThatWasTold(string model, string adapter)
    {
        using var folder = new PeftFolder(model, adapter);
        using var peft = folder.Open();
        using var loaded = peft.Load(ScalarType.BFloat16, CPU, folder.BaseTensor);

        loaded.Bytes.ShouldBe(2 * peft.Content.LoadedElements(folder.Modules));
        loaded.Version.ShouldBe(peft.Version);
    }

    [Fact]
    public void Load_ManyForms_LeavesNoTensorBehind()
    {
        foreach (var (model, adapter) in new[] { ("llama-gqa", "dora-r4"), ("llama-gqa", "trainable-tokens"), ("llama-bias-untied", "bias-all") })
        {
            using var folder = new PeftFolder(model, adapter);
            using var peft = folder.Open();
            var own = folder.Modules.Shapes().Keys.ToDictionary(name => name, folder.BaseTensor);
            var statistics = DisposeScopeManager.Statistics;
            statistics.Reset();

            peft.Load(ScalarType.BFloat16, CPU, name => own[name]).Dispose();

            statistics.ThreadTotalLiveCount.ShouldBe(0, adapter);
            foreach (var tensor in own.Values) tensor.Dispose();
        }
    }

    [Fact]
    public void Load_DoraInBFloat16_IsRoundedOnce()
    {
        using var folder = new PeftFolder("llama-gqa", "dora-r4");
        using var adapter = folder.Load(ScalarType.BFloat16);
        using var scope = NewDisposeScope();
        var (a, b) = (folder.Tensors[$"{Query}.lora_A.weight"], folder.Tensors[$"{Query}.lora_B.weight"] * 2);
        var updated = folder.BaseTensor($"{Query}.weight") + b.mm(a);
        var g = folder.Tensors[$"{Query}.lora_magnitude_vector"] / updated.norm(1);
        var lora = adapter.LowRank(Query);

        // The sum may be taken in another order: a unit in the last place.
        lora.Scale!.to(ScalarType.Float32).allclose(g, rtol: 0.004, atol: 0).ShouldBeTrue();
        lora.B.to(ScalarType.Float32).allclose(b * g.unsqueeze(1), rtol: 0.004, atol: 1e-8).ShouldBeTrue();
        lora.A.Equals(a.to(ScalarType.BFloat16)).ShouldBeTrue();
        lora.Shift.ShouldBeNull();
    }

    [Fact]
    public void Load_DoraOnAModuleWithBias_LeavesTheBiasAsItIs()
    {
        using var folder = new PeftFolder("llama-bias-untied", "attention-r4").Set("use_dora", true);
        foreach (var module in folder.Modules.Linears.Where(linear => linear.Path.EndsWith("q_proj") || linear.Path.EndsWith("v_proj")))
            folder.Add($"{module.Path}.lora_magnitude_vector", rand(module.OutFeatures) + 0.5);
        using var adapter = folder.Load();
        using var scope = NewDisposeScope();
        var x = randn(5, 64);
        var (weight, bias) = (folder.BaseTensor($"{Query}.weight"), folder.BaseTensor($"{Query}.bias"));
        var updated = weight + (folder.Tensors[$"{Query}.lora_B.weight"].mm(folder.Tensors[$"{Query}.lora_A.weight"]) * 2);
        var dora = updated * (folder.Tensors[$"{Query}.lora_magnitude_vector"] / updated.norm(1)).unsqueeze(1);

        var y = new LoraLinear(Query, weight, bias).Forward(x, new LoraBatch([(5, adapter)]));

        y.allclose(nn.functional.linear(x, dora, bias), rtol: 1e-4, atol: 1e-4).ShouldBeTrue();
    }

    [Fact]
    public void Load_DoraOnTheEmbedding_ScalesEachOfItsDimensions()
    {
        using var folder = new PeftFolder("llama-gqa", "embeddings").Set("use_dora", true).Set("target_modules", new JsonArray("embed_tokens"));
        foreach (var name in folder.Tensors.Keys.Where(name => name.Contains("q_proj")).ToList()) folder.Tensors.Remove(name);
        folder.Add("model.embed_tokens.lora_magnitude_vector", rand(64) + 0.5);
        using var adapter = folder.Load();
        using var scope = NewDisposeScope();
        var weight = folder.BaseTensor("model.embed_tokens.weight");
        var (a, b) = (folder.Tensors["model.embed_tokens.lora_embedding_A"], folder.Tensors["model.embed_tokens.lora_embedding_B"]);
        var updated = weight + (b.mm(a).t() * 2);
        var dora = updated * (folder.Tensors["model.embed_tokens.lora_magnitude_vector"] / updated.norm(0)).unsqueeze(0);
        var ids = tensor(new long[] { 3, 319, 3, 0 });

        var rows = new LoraEmbedding(weight).Forward(ids, new LoraBatch([(4, adapter)]));

        rows.allclose(dora.index_select(0, ids), rtol: 1e-4, atol: 1e-4).ShouldBeTrue();
    }

    [Theory]
    [InlineData(3, typeof(LowRankUpdate))]
    [InlineData(200, typeof(ReplacedLinear))]
    public void Load_RowsOfTheHead_AreHeldInTheSmallerForm(int count, Type form)
    {
        int[] ids = [.. Enumerable.Range(7, count)];
        using var folder = new PeftFolder("llama-bias-untied", "attention-r4")
            .Set("trainable_token_indices", new JsonObject { ["lm_head"] = new JsonArray([.. ids.Select(id => JsonValue.Create(id))]) })
            .Add("lm_head.token_adapter.trainable_tokens_delta", randn(count, 64));
        using var adapter = folder.Load();
        using var scope = NewDisposeScope();
        var weight = folder.BaseTensor("lm_head.weight");
        var x = randn(4, 64);
        var expected = weight.index_copy(0, tensor(ids.Select(id => (long)id).ToArray()), folder.Tensors["lm_head.token_adapter.trainable_tokens_delta"]);

        var y = new LoraLinear("lm_head", weight, null).Forward(x, new LoraBatch([(4, adapter)]));

        adapter.Linears["lm_head"].ShouldBeOfType(form);
        adapter.Embedding.ShouldBeNull();
        y.allclose(nn.functional.linear(x, expected), rtol: 1e-4, atol: 1e-4).ShouldBeTrue();
    }
}
