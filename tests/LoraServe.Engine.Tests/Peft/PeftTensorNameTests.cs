using FsCheck.Xunit;
using LoraServe.Engine.Peft;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Peft;

public class PeftTensorNameTests
{
    private const string Path = "model.layers.0.self_attn.q_proj";

    [Theory]
    [InlineData($"base_model.model.{Path}.lora_A.weight", nameof(PeftRole.LoraA))]
    [InlineData($"base_model.model.{Path}.lora_B.weight", nameof(PeftRole.LoraB))]
    [InlineData($"{Path}.lora_A.weight", nameof(PeftRole.LoraA))]
    [InlineData($"{Path}.lora_A.default.weight", nameof(PeftRole.LoraA))]
    [InlineData($"{Path}.lora_B.my_task.weight", nameof(PeftRole.LoraB))]
    [InlineData($"_orig_mod.base_model.model.{Path}.lora_A.weight", nameof(PeftRole.LoraA))]
    [InlineData("base_model.model.model.layers.0._fsdp_wrapped_module._checkpoint_wrapped_module.self_attn.q_proj.lora_A.weight", nameof(PeftRole.LoraA))]
    [InlineData($"{Path}.lora_B.bias", nameof(PeftRole.LoraBias))]
    [InlineData($"{Path}.lora_embedding_A", nameof(PeftRole.EmbeddingA))]
    [InlineData($"{Path}.lora_embedding_B.default", nameof(PeftRole.EmbeddingB))]
    [InlineData($"{Path}.lora_magnitude_vector", nameof(PeftRole.Magnitude))]
    [InlineData($"{Path}.lora_magnitude_vector.default.weight", nameof(PeftRole.Magnitude))]
    [InlineData($"{Path}.base_layer.weight", nameof(PeftRole.BaseWeight))]
    [InlineData($"{Path}.base_layer.bias", nameof(PeftRole.BaseBias))]
    [InlineData($"{Path}.token_adapter.trainable_tokens_delta", nameof(PeftRole.TokenRows))]
    [InlineData($"{Path}.modules_to_save.default.weight", nameof(PeftRole.Weight))]
    [InlineData($"base_model.model.{Path}.weight", nameof(PeftRole.Weight))]
    [InlineData("model.layers.0.self_attn.modules_to_save.default.q_proj.bias", nameof(PeftRole.Bias))]
    [InlineData("model.layers.0.self_attn.original_module.q_proj.weight", nameof(PeftRole.BaseWeight))]
    [InlineData($"{Path}.original_module.bias", nameof(PeftRole.BaseBias))]
    [InlineData($"{Path}.bias", nameof(PeftRole.Bias))]
    [InlineData($"{Path}.token_adapter.base_layer.weight", nameof(PeftRole.BaseWeight))]
    [InlineData($"{Path}.modules_to_save.weight", nameof(PeftRole.Unknown))]
    [InlineData($"{Path}.lora_A.default.bias", nameof(PeftRole.Unknown))]
    [InlineData($"{Path}.lora_a", nameof(PeftRole.Mlx))]
    [InlineData($"{Path}.lora_A.a.b.weight", nameof(PeftRole.Unknown))]
    public void Parse_Name_GivesPathAndRole(string name, string role) =>
        PeftTensorName.Parse(name).ShouldBe(new PeftTensorName(Path, Enum.Parse<PeftRole>(role)));

    [Theory]
    [InlineData("lora_unet_model_layers_0_q_proj.lora_down.weight", nameof(PeftRole.Kohya))]
    [InlineData("x.lora_up.weight", nameof(PeftRole.Kohya))]
    [InlineData("blk.0.attn_q.weight.lora_a", nameof(PeftRole.Gguf))]
    [InlineData("base_model.model", nameof(PeftRole.Unknown))]
    [InlineData("_orig_mod", nameof(PeftRole.Unknown))]
    [InlineData("", nameof(PeftRole.Unknown))]
    [InlineData("something", nameof(PeftRole.Unknown))]
    public void Parse_OtherLayout_IsTold(string name, string role) => PeftTensorName.Parse(name).Role.ToString().ShouldBe(role);

    [Property]
    public void Parse_AnyName_DoesNotThrow(string[] parts) => Should.NotThrow(() => PeftTensorName.Parse(string.Join('.', parts)));
}
