using System.Text.Json.Nodes;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Peft;
using LoraServe.Tests;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Peft;

public class PeftMatcherTests
{
    private const string Query = "model.layers.0.self_attn.q_proj";

    [Theory]
    [InlineData("dora-r4", "dora-r4")]
    [InlineData("dora-rslora-r8", "dora-rslora-r8")]
    [InlineData("embeddings", "embeddings")]
    [InlineData("modules-to-save-norm", "modules-to-save-norm")]
    [InlineData("trainable-tokens", "trainable-tokens")]
    [InlineData("activated", "activated")]
    public void Match_EachForm_TakesEveryTensor(string golden, string sameAs)
    {
        using var folder = new PeftFolder("llama-gqa", golden);
        using var peft = folder.Open();
        using var again = PeftAdapter.Open(GoldenData.Path("adapters", "llama-gqa", sameAs), folder.Modules, maxRank: 256);

        peft.Content.Trained.Count().ShouldBe(folder.Tensors.Count - peft.Content.BaseCopies.Count);
        peft.Version.ShouldBe(again.Version);
    }

    [Theory]
    [InlineData("lora_magnitude_vector", "lora_magnitude_vector.default.weight")]
    [InlineData("lora_magnitude_vector", "lora_magnitude_vector.default")]
    [InlineData("lora_magnitude_vector", "lora_magnitude_vector.weight")]
    public void Match_RawMagnitudes_AreTheSame(string stored, string raw) => ShouldBeTheSame("llama-gqa", "dora-r4", stored, raw);

    [Fact]
    public void Match_RawTokenRows_AreTheSame() =>
        ShouldBeTheSame("llama-gqa", "trainable-tokens", "trainable_tokens_delta", "trainable_tokens_delta.default");

    [Fact]
    public void Match_RawDumpOfSavedModules_IsTheSameWithCopiesOfTheBase()
    {
        using var plain = new PeftFolder("llama-bias-untied", "modules-to-save-head-and-norm");
        using var raw = new PeftFolder("llama-bias-untied", "modules-to-save-head-and-norm");
        foreach (var path in raw.Tensors.Keys.Where(name => !name.Contains("lora_")).Select(name => name[..^".weight".Length]).ToList())
        {
            raw.Rename($"{path}.weight", $"{path}.modules_to_save.default.weight");
            raw.Add($"{path}.original_module.weight", raw.BaseTensor($"{path}.weight"));
        }

        using var one = plain.Open();
        using var other = raw.Open();

        other.Version.ShouldBe(one.Version);
        other.Content.BaseCopies.Count.ShouldBe(other.Content.Saved.Count);
    }

    [Fact]
    public void Match_ModuleSavedWithItsParts_ReplacesThem()
    {
        using var folder = new PeftFolder("llama-bias-untied", "attention-r4").Set("modules_to_save", new JsonArray("layers.1.mlp"));
        foreach (var name in folder.Modules.Shapes().Keys.Where(name => name.Contains("layers.1.mlp")))
            folder.Add(name, folder.BaseTensor(name).mul_(2));
        using var peft = folder.Open();
        using var adapter = folder.Load();

        peft.Content.Saved.Keys.ShouldBe(
            ["model.layers.1.mlp.gate_proj", "model.layers.1.mlp.up_proj", "model.layers.1.mlp.down_proj"], ignoreOrder: true);
        var up = adapter.Linears["model.layers.1.mlp.up_proj"].ShouldBeOfType<ReplacedLinear>();
        up.Weight.Equals(folder.Tensors["model.layers.1.mlp.up_proj.weight"]).ShouldBeTrue();
        up.Bias!.Equals(folder.Tensors["model.layers.1.mlp.up_proj.bias"]).ShouldBeTrue();
    }

    [Theory]
    [InlineData("llama-gqa", "embeddings", "embeddings")]
    [InlineData("llama-bias-untied", "head", "lm_head")]
    public void Match_TiedOnlyWhereTheBaseTies_Decides(string model, string adapter, string target)
    {
        using var folder = new PeftFolder(model, adapter).Set("ensure_weight_tying", true);

        if (!folder.Modules.TiesHead) folder.Open().Dispose();
        else Refusal(folder).ShouldContain("ensure_weight_tying", customMessage: target);
    }

    [Fact]
    public void Match_TiedEmbeddingSavedOnce_IsTheHeadToo()
    {
        using var folder = new PeftFolder("llama-gqa", "attention-r4")
            .Set("modules_to_save", new JsonArray("embed_tokens")).Set("ensure_weight_tying", true).Add("model.embed_tokens.weight", randn(320, 64));
        using var adapter = folder.Load();

        var embedding = adapter.Embedding.ShouldBeOfType<ReplacedEmbedding>();
        adapter.Linears["lm_head"].ShouldBeOfType<ReplacedLinear>().Weight.Equals(embedding.Weight).ShouldBeTrue();
    }

    [Fact]
    public void Match_EmbeddingSavedAlone_LeavesATiedHeadAsItIs()
    {
        using var folder = new PeftFolder("llama-gqa", "attention-r4")
            .Set("modules_to_save", new JsonArray("embed_tokens")).Add("model.embed_tokens.weight", randn(320, 64));
        using var adapter = folder.Load();

        adapter.Embedding.ShouldBeOfType<ReplacedEmbedding>();
        adapter.Linears.ShouldNotContainKey("lm_head");
    }

    public static TheoryData<string, string, string, string?, string> BadTensors => new()
    {
        { "llama-gqa", "dora-r4", $"{Query}.lora_magnitude_vector", "65", $"lora_magnitude_vector of {Query}: expected [64], found [65]" },
        { "llama-gqa", "dora-r4", $"{Query}.lora_magnitude_vector", null, $"lora_magnitude_vector of {Query} is missing" },
        { "llama-gqa", "embeddings", "model.embed_tokens.lora_embedding_A", "4,321", "lora_embedding_A of model.embed_tokens: expected [4, 320], found [4, 321]" },
        { "llama-gqa", "embeddings", "model.embed_tokens.lora_embedding_B", null, "lora_embedding_B of model.embed_tokens is missing" },
        { "llama-gqa", "embeddings", "model.embed_tokens.base_layer.weight", "330,64", "expected [320, 64], found [330, 64]: the vocabulary was resized" },
        { "llama-gqa", "modules-to-save-norm", "model.norm.weight", null, "the weight of model.norm is missing, modules_to_save asks for it" },
        { "llama-gqa", "modules-to-save-norm", "model.norm.weight", "64,1", "the weight of model.norm: expected [64], found [64, 1]" },
        { "llama-gqa", "modules-to-save-norm", "model.layers.0.mlp.up_proj.weight", "112,64", "a module saved whole, but it is not in modules_to_save" },
        { "llama-gqa", "trainable-tokens", "model.embed_tokens.token_adapter.trainable_tokens_delta", "4,64", "expected [3, 64], found [4, 64]" },
        { "llama-gqa", "trainable-tokens", "model.embed_tokens.token_adapter.trainable_tokens_delta", null, "trainable_tokens_delta of model.embed_tokens is missing" },
        { "llama-gqa", "trainable-tokens", "lm_head.token_adapter.trainable_tokens_delta", "3,64", "has no trainable_token_indices for it" },
        { "llama-gqa", "attention-r4", $"{Query}.lora_B.bias", "64", "a bias on lora_B, but lora_bias is off" },
        { "llama-gqa", "attention-r4", "model.layers.9.mlp.weight", "64", "has no module 'model.layers.9.mlp'" },
        { "llama-gqa", "attention-r4", $"{Query}.lora_embedding_A", "4,64", "is not an embedding" },
        { "llama-bias-untied", "attention-r4", $"{Query}.bias", "96", "a trained bias, but bias in adapter_config.json does not ask for it" },
        { "llama-bias-untied", "bias-all", $"{Query}.base_layer.bias", null, $"the bias of {Query} is missing, bias asks for it" },
        { "llama-bias-untied", "bias-all", $"{Query}.base_layer.bias", "64", $"the base's bias of {Query}: expected [96], found [64]" },
        { "llama-bias-untied", "lora-bias", $"{Query}.lora_B.bias", null, $"the bias of lora_B of {Query} is missing" },
        { "llama-bias-untied", "lora-bias", $"{Query}.lora_B.bias", "1,96", $"the bias of lora_B of {Query}: expected [96], found [1, 96]" },
        { "llama-bias-untied", "modules-to-save-head-and-norm", "lm_head.weight", "400,64", "resize the base in the same way" },
    };

    [Theory]
    [MemberData(nameof(BadTensors))]
    public void Match_TensorMissingOrOfAnotherShape_IsNamed(string model, string adapter, string tensor, string? shape, string fault)
    {
        using var folder = new PeftFolder(model, adapter);
        if (shape is null) folder.Tensors.Remove(tensor).ShouldBeTrue();
        else folder.Add(tensor, ones(shape.Split(',').Select(long.Parse).ToArray()));

        Refusal(folder).ShouldContain(fault);
    }

    [Theory]
    [InlineData("dora-r4", "lora_magnitude_vector")]
    [InlineData("embeddings", "lora_embedding_B")]
    [InlineData("modules-to-save-norm", "model.norm.weight")]
    [InlineData("trainable-tokens", "trainable_tokens_delta")]
    public void Open_NotANumberInAnyTensor_IsRefused(string adapter, string part)
    {
        using var folder = new PeftFolder("llama-gqa", adapter);
        var name = folder.Tensors.Keys.First(name => name.Contains(part));
        folder.Add(name, full_like(folder.Tensors[name], float.NaN));

        Refusal(folder).ShouldContain($"{name}' holds a NaN or an infinity");
    }

    public static TheoryData<string, string, string> BadOptions => new()
    {
        { "trainable_token_indices", "[320,1,2]", "token 320 is not in the base's vocabulary of 320" },
        { "trainable_token_indices", "[-1,1,2]", "token -1 is not in the base's vocabulary" },
        { "trainable_token_indices", "[5,17,5]", "token 5 appears twice" },
        { "trainable_token_indices", """{"q_proj":[5,17,140]}""", "expected model.embed_tokens or lm_head, found 'q_proj'" },
        { "trainable_token_indices", """{"embed_tokens":[5,17,140],"lm_head":[5,17,140]}""", "lm_head is trained in another way too" },
        { "alora_invocation_tokens", "[7,320]", "token 320 is not in the base's vocabulary of 320" },
        { "modules_to_save", """["classifier"]""", "modules_to_save: llama-gqa has no module 'classifier'" },
        { "modules_to_save", """["embed_tokens"]""", "model.embed_tokens is trained in another way too" },
        { "modules_to_save", """[""]""", "has no module ''" },
    };

    [Theory]
    [MemberData(nameof(BadOptions))]
    public void Match_OptionThatDoesNotFitTheBase_IsNamed(string option, string value, string fault)
    {
        using var folder = new PeftFolder("llama-gqa", "trainable-tokens").Set(option, JsonNode.Parse(value));
        folder.Add("lm_head.token_adapter.trainable_tokens_delta", ones(3, 64));

        Refusal(folder).ShouldContain(fault);
    }

    private static void ShouldBeTheSame(string model, string adapter, string stored, string raw)
    {
        using var one = new PeftFolder(model, adapter);
        using var other = new PeftFolder(model, adapter);
        foreach (var name in other.Tensors.Keys.Where(name => name.EndsWith(stored, StringComparison.Ordinal)).ToList())
            other.Rename(name, name.Replace(stored, raw));
        using var plain = one.Open();
        using var renamed = other.Open();

        renamed.Version.ShouldBe(plain.Version);
    }

    private static string Refusal(PeftFolder folder) => Should.Throw<InvalidPeftException>(() => folder.Open()).Message;
}
