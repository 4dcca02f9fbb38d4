using LoraServe.Engine.Checkpoints;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Checkpoints;

public sealed class ModelConfigTests : IDisposable
{
    private const string Llama = """
        "model_type": "llama", "hidden_size": 64, "intermediate_size": 112, "num_hidden_layers": 2, "num_attention_heads": 4,
        "vocab_size": 320, "max_position_embeddings": 128
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Load_Transformers4_EqualsTransformers5()
    {
        var v4 = Load($$"""{ {{Llama}}, "rope_theta": 5000.0, "rope_scaling": {"type": "linear", "factor": 4.0}, "torch_dtype": "float32" }""");
        var v5 = Load($$"""{ {{Llama}}, "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 5000.0}, "dtype": "float32" }""");

        v4.Rotary.ShouldBe(new RotaryConfig { Type = RotaryType.Linear, Factor = 4, Theta = 5000, OriginalMaxPositionEmbeddings = 128 });
        v5.Rotary.ShouldBe(v4.Rotary);
    }

    [Fact]
    public void Load_FieldsLeftOut_TakesTheDefaultsOfTheFamily()
    {
        var config = Load($$"""{ {{Llama}} }""");

        config.KvHeadCount.ShouldBe(4);
        config.HeadDim.ShouldBe(16);
        config.RmsNormEpsilon.ShouldBe(1e-6);
        config.Rotary.ShouldBe(new RotaryConfig());
        config.SlidingWindows.ShouldBe([null, null]);
        config.EosTokenIds.ShouldBeEmpty();
    }

    [Fact]
    public void Load_ManyFaults_NamesEachWithItsFile()
    {
        var e = Should.Throw<InvalidCheckpointException>(() => Load("""
            { "model_type": "llama", "hidden_size": "64", "num_attention_heads": 3, "num_key_value_heads": 2, "hidden_act": "gelu",
              "num_hidden_layers": 0, "vocab_size": 10, "head_dim": 16, "rope_scaling": {"rope_type": "longrope", "factor": 0.5}, "quantization_config": {} }
            """, """{ "eos_token_id": "</s>", "temperature": -1 }"""));

        e.Faults.ShouldBe(
        [
            "generation_config.json: eos_token_id: expected a token id or a list of token ids, found \"</s>\"",
            "generation_config.json: temperature: expected a number from 0 to 100, found -1",
            "config.json: hidden_act: expected silu, found \"gelu\"",
            "config.json: quantization_config: quantised checkpoints are not supported",
            "config.json: hidden_size: expected a positive integer, found \"64\"",
            "config.json: num_key_value_heads: expected a divisor of the 3 attention heads, found 2",
            "config.json: num_hidden_layers: expected a positive integer, found 0",
            "config.json: intermediate_size: expected a positive integer, found nothing",
            "config.json: rope_scaling: rope_type: expected default, linear, dynamic, llama3 or yarn, found \"longrope\"",
        ], ignoreOrder: true);
    }

    [Theory]
    [InlineData("\"model_type\": \"gemma2\", \"hidden_act\": \"gelu\"", "gemma2 is not supported yet; supported: llama, mistral, qwen2, qwen3")]
    [InlineData("\"hidden_size\": 0", "config.json: model_type: it is not there; supported: llama, mistral, qwen2, qwen3")]
    public void Load_ModelOfAnotherKind_SaysSoAndNothingElse(string fields, string fault) =>
        Should.Throw<InvalidCheckpointException>(() => Load($"{{ {fields} }}", """{ "temperature": -1 }""")).Faults.ShouldBe([fault]);

    [Fact]
    public void Load_LayersBeyondReason_AreRefused() =>
        Should.Throw<InvalidCheckpointException>(() => Load($$"""{ {{Llama.Replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 2147483647", StringComparison.Ordinal)}} }"""))
            .Message.ShouldContain("num_hidden_layers: expected at most 1024, found 2147483647");

    [Theory]
    [InlineData("[]", "expected a JSON object")]
    [InlineData("{", "config.json")]
    public void Load_NotAnObject_SaysSo(string json, string message) =>
        Should.Throw<InvalidCheckpointException>(() => Load(json)).Message.ShouldContain(message);

    [Theory]
    [InlineData("\"num_hidden_layers\": 2147483647", "num_hidden_layers: expected at most 1024, found 2147483647")]
    [InlineData("\"vocab_size\": 2147483647", "vocab_size: expected at most")]
    [InlineData("\"max_position_embeddings\": 2147483647", "max_position_embeddings: expected at most")]
    [InlineData("\"num_attention_heads\": 1073741824, \"head_dim\": 2", "num_attention_heads: expected at most")]
    [InlineData("\"rope_theta\": 0", "rope_theta: expected a positive number, found 0")]
    [InlineData("\"hidden_act\": \"\\ud800\"", "not valid Unicode")]
    public void Load_ValueThatCannotBeMeant_IsRefusedByName(string field, string message) =>
        Should.Throw<InvalidCheckpointException>(() => Load($$"""{ {{Llama}}, {{field}} }""")).Message.ShouldContain(message);

    [Fact]
    public void Load_NoFile_SaysSo() =>
        Should.Throw<InvalidCheckpointException>(() => ModelConfig.Load(_folder)).Message.ShouldContain("config.json: the file is missing");

    [Fact]
    public void Load_QwenWithMixedWindows_SetsThemByLayer()
    {
        var fields = Llama.Replace("llama", "qwen2", StringComparison.Ordinal);

        Load($$"""{ {{fields}}, "use_sliding_window": true, "sliding_window": 8, "max_window_layers": 1 }""").SlidingWindows.ShouldBe([null, 8]);
        Load($$"""{ {{fields}}, "use_sliding_window": true, "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"] }""")
            .SlidingWindows.ShouldBe([8, null]);
        Load($$"""{ {{fields}}, "use_sliding_window": false, "sliding_window": 8 }""").SlidingWindows.ShouldBe([null, null]);
    }

    [Fact]
    public void Load_GenerationConfig_RecommendsAndOverridesEos()
    {
        var config = Load(
            $$"""{ {{Llama}}, "eos_token_id": 2 }""",
            """{ "eos_token_id": [0, 4], "do_sample": false, "temperature": 0.6, "top_k": 0, "top_p": 0.9, "max_new_tokens": 64 }""");

        config.EosTokenIds.ShouldBe([0, 4]);
        config.Generation.Temperature.ShouldBe(0);
        config.Generation.TopK.ShouldBeNull();
        config.Generation.TopP.ShouldBe(0.9f);
        config.Generation.MaxNewTokens.ShouldBe(64);
    }

    private ModelConfig Load(string config, string? generation = null)
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), config);
        if (generation is not null) File.WriteAllText(Path.Combine(_folder, "generation_config.json"), generation);
        return ModelConfig.Load(_folder);
    }
}
