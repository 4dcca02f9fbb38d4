using System.Text;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Models;

public class BaseWeightsTests
{
    [Theory]
    [InlineData("llama-gqa")]
    [InlineData("llama-linear-rope-f16")]
    [InlineData("llama-mqa-llama3-rope-sharded-bf16")]
    public void Fingerprint_LoadedInAnyDtype_IsTheSame(string model)
    {
        using var single = Load(model, torch.ScalarType.Float32);
        using var half = Load(model, torch.ScalarType.BFloat16);

        half.Fingerprint.ShouldBe(single.Fingerprint);
        half.Checksum().ShouldNotBe(single.Checksum());
        half.LoadedChecksum.ShouldBe(half.Checksum());
        single.LoadedChecksum.ShouldBe(single.Checksum());
    }

    [Fact]
    public void Fingerprint_OtherBytes_IsAnother()
    {
        using var folder = new TemporaryFolder();
        var source = GoldenData.Path("checkpoints", "llama-gqa");
        var bytes = File.ReadAllBytes(Path.Combine(source, "model.safetensors"));
        bytes[^1] ^= 1;
        File.WriteAllBytes(folder.File("model.safetensors"), bytes);
        using var checkpoint = Checkpoint.Open(folder.Path);
        using var changed = BaseWeights.Load(ModelConfig.Load(source), checkpoint, torch.ScalarType.Float32, torch.CPU, progress: null);
        using var own = Load("llama-gqa", torch.ScalarType.Float32);

        changed.Fingerprint.ShouldNotBe(own.Fingerprint);
    }

    [Fact]
    public void Checksum_WeightThatWasWrittenTo_Differs()
    {
        using var weights = Load("llama-gqa", torch.ScalarType.BFloat16);
        weights.Embedding[0, 0].add_(1);

        weights.Checksum().ShouldNotBe(weights.LoadedChecksum);
    }

    private static BaseWeights Load(string model, torch.ScalarType dtype)
    {
        var folder = GoldenData.Path("checkpoints", model);
        using var checkpoint = Checkpoint.Open(folder);
        return BaseWeights.Load(ModelConfig.Load(folder), checkpoint, dtype, torch.CPU, progress: null);
    }

    [Fact]
    public void Load_TensorsOfWholeNumbers_AreRefusedByName()
    {
        using var folder = new TemporaryFolder();
        var source = GoldenData.Path("checkpoints", "llama-gqa");
        var bytes = File.ReadAllBytes(Path.Combine(source, "model.safetensors"));
        var header = Encoding.Latin1.GetString(bytes).Replace("\"F32\"", "\"I32\"", StringComparison.Ordinal);
        File.WriteAllBytes(folder.File("model.safetensors"), Encoding.Latin1.GetBytes(header));
        using var checkpoint = Checkpoint.Open(folder.Path);

        Should.Throw<InvalidCheckpointException>(() => BaseWeights.Load(
                ModelConfig.Load(source), checkpoint, torch.ScalarType.Float32, torch.CPU, progress: null))
            .Message.ShouldContain("tensor model.embed_tokens.weight: expected F32, F16 or BF16, found I32");
    }
}
