using System.Text;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Models;

public class BaseWeightsTests
{
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
