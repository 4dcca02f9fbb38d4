using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Models;
using LoraServe.Engine.Peft;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Merging;

public class AdapterMergerTests
{
    private const string Model = "llama-gqa";
    private const float Tolerance = 1e-6f;

    public static TheoryData<string> Cases =>
        [.. Directory.GetFiles(GoldenData.Path("merged", Model)).Select(file => Path.GetFileNameWithoutExtension(file)!)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Complete_Adapter_EqualsPeftsMergeAndUnload(string name)
    {
        using var weights = Weights(torch.ScalarType.Float32);
        using var adapter = Adapter(name, weights);
        using var merger = new AdapterMerger(weights, adapter, AdapterMerger.Allocate(weights, adapter));
        while (merger.Advance())
        {
        }

        using var merged = merger.Complete();
        using var golden = SafetensorsFile.Open(GoldenData.Path("merged", Model, $"{name}.safetensors"));

        var compared = 0;
        foreach (var (path, update) in merged.Adapter.Linears.Where(module => golden.Entries.ContainsKey($"{module.Key}.weight")))
        {
            using var expected = golden.Read($"{path}.weight");
            using var difference = expected.sub(((ReplacedLinear)update).Weight).abs().max();
            difference.item<float>().ShouldBeLessThanOrEqualTo(Tolerance, path);
            compared++;
        }

        compared.ShouldBeGreaterThan(0);
    }

    private static BaseWeights Weights(torch.ScalarType dtype)
    {
        var folder = GoldenData.Path("checkpoints", Model);
        using var files = Checkpoint.Open(folder);
        return BaseWeights.Load(ModelConfig.Load(folder), files, dtype, torch.CPU, progress: null);
    }

    private static LoraAdapter Adapter(string name, BaseWeights weights)
    {
        var modules = ModelConfig.Load(GoldenData.Path("checkpoints", Model)).Modules(Model);
        using var peft = PeftAdapter.Open(GoldenData.Path("adapters", Model, name), modules, maxRank: 256);
        return peft.Load(weights.Dtype, torch.CPU, weights.Weight);
    }
}
