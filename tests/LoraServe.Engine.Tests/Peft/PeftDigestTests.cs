using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Peft;

public class PeftDigestTests
{
    [Fact]
    public void Of_PlainLora_IsWhatItHasAlwaysBeen()
    {
        using var folder = new PeftFolder("llama-gqa", "attention-r4");
        using var peft = folder.Open();

        peft.Version.Value.ShouldBe("489c2ccca908ed9378662f3e52be1e6b32f64882488c3f03498f104fddb5099c");
    }

    [Theory]
    [InlineData("llama-gqa", "dora-r4")]
    [InlineData("llama-gqa", "embeddings")]
    [InlineData("llama-gqa", "modules-to-save-norm")]
    [InlineData("llama-gqa", "trainable-tokens")]
    [InlineData("llama-bias-untied", "bias-all")]
    [InlineData("llama-bias-untied", "bias-lora-only")]
    [InlineData("llama-bias-untied", "lora-bias")]
    [InlineData("llama-bias-untied", "modules-to-save-head-and-norm")]
    public void Of_AnyTrainedTensorChanged_IsAnother(string model, string adapter)
    {
        using var folder = new PeftFolder(model, adapter);
        var versions = new HashSet<string> { Version(folder) };
        var copies = folder.Tensors.Keys.Where(name => name.Contains("base_layer.weight")).ToList();
        foreach (var (name, tensor) in folder.Tensors.Where(pair => !copies.Contains(pair.Key)))
        {
            tensor.view(-1)[0].add_(0.5);
            versions.Add(Version(folder)).ShouldBeTrue(name);
        }
    }

    [Theory]
    [InlineData("activated", "alora_invocation_tokens", "[7,300,8]")]
    [InlineData("activated", "alora_invocation_tokens", "[]")]
    [InlineData("trainable-tokens", "trainable_token_indices", "[5,17,141]")]
    [InlineData("dora-rslora-r8", "use_rslora", "false")]
    [InlineData("dora-r4", "lora_alpha", "9")]
    public void Of_OptionThatChangesTheOutput_IsAnother(string adapter, string option, string value)
    {
        using var folder = new PeftFolder("llama-gqa", adapter);
        var before = Version(folder);

        Version(folder.Set(option, JsonNode.Parse(value))).ShouldNotBe(before);
    }

    private static string Version(PeftFolder folder)
    {
        using var peft = folder.Open();
        return peft.Version.Value;
    }
}
