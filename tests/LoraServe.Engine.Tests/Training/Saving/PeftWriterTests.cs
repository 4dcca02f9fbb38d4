using System.Text.Json;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Models;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Saving;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Training.Saving;

public sealed class PeftWriterTests : IDisposable
{
    private const string Prefix = "base_model.model.";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("all-linear-r8")]
    [InlineData("attention-r4")]
    [InlineData("dora-r4")]
    [InlineData("dora-rslora-r8")]
    [InlineData("rslora-r16")]
    [InlineData("rank-and-alpha-pattern")]
    [InlineData("alpha-fraction")]
    [InlineData("stored-bf16")]
    [InlineData("rank-1")]
    public void Write_SettingsOfTheReference_IsTheFolderThatPeftWrote(string name)
    {
        var golden = GoldenData.Path("adapters", "llama-gqa", name);
        using var expected = SafetensorsFile.Open(Path.Combine(golden, AdapterFiles.Tensors));
        var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(golden, AdapterFiles.Config))).RootElement;

        Write(expected, Settings(config, expected), config.GetProperty("base_model_name_or_path").GetString()!);

        using var found = SafetensorsFile.Open(_folder.File(AdapterFiles.Tensors));
        found.Entries.Values.Select(Describe).ShouldBe(expected.Entries.Values.Select(Describe), ignoreOrder: true);
        found.Metadata.ShouldBe(expected.Metadata);
        foreach (var (key, entry) in expected.Entries)
            found.Bytes(found.Entries[key]).SequenceEqual(expected.Bytes(entry)).ShouldBeTrue(key);
        var written = JsonDocument.Parse(File.ReadAllBytes(_folder.File(AdapterFiles.Config))).RootElement;
        written.EnumerateObject().Select(Describe).ShouldBe(config.EnumerateObject().Select(Describe));
    }

    [Fact]
    public void Write_AnyAdapter_IsAcceptedByTheServerAsTheSameOne()
    {
        var golden = GoldenData.Path("adapters", "llama-gqa", "dora-rslora-r8");
        using var expected = SafetensorsFile.Open(Path.Combine(golden, AdapterFiles.Tensors));
        var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(golden, AdapterFiles.Config))).RootElement;
        Write(expected, Settings(config, expected), "golden/llama-gqa");
        var model = GoldenData.Path("checkpoints", "llama-gqa");
        using var checkpoint = Checkpoint.Open(model);
        var modelConfig = ModelConfig.Load(model);
        using var weights = BaseWeights.Load(modelConfig, checkpoint, ScalarType.Float32, CPU, progress: null);
        var admission = new AdapterAdmission(modelConfig.Modules("llama-gqa"), weights.Weight, maxRank: 64, ScalarType.Float32);

        var info = admission.Check("trained", _folder.Path, DateTimeOffset.UnixEpoch);

        info.Version.ShouldBe(admission.Check("golden", golden, DateTimeOffset.UnixEpoch).Version);
        info.UsesDora.ShouldBeTrue();
        info.Warnings.ShouldBeEmpty();
    }

    [Fact]
    public void Write_Dropout_IsANumber()
    {
        var golden = GoldenData.Path("adapters", "llama-gqa", "rank-1");
        using var expected = SafetensorsFile.Open(Path.Combine(golden, AdapterFiles.Tensors));

        Write(expected, SampleSettings.Create() with { Dropout = 0.05 }, "base");

        var written = JsonDocument.Parse(File.ReadAllBytes(_folder.File(AdapterFiles.Config))).RootElement;
        written.GetProperty("lora_dropout").GetDouble().ShouldBe(0.05);
    }

    private void Write(SafetensorsFile source, TrainingSettings settings, string baseName)
    {
        using var scope = NewDisposeScope();
        List<TrainedParameter> parameters = [];
        foreach (var name in source.Entries.Keys)
        {
            using var stored = source.Read(name);
            parameters.Add(new TrainedParameter(name[Prefix.Length..], stored.to(ScalarType.Float32, copy: true).DetachFromDisposeScope()));
        }

        PeftWriter.Write(_folder.Path, parameters, settings, baseName);
        foreach (var parameter in parameters) parameter.Dispose();
    }

    private static TrainingSettings Settings(JsonElement config, SafetensorsFile tensors) => SampleSettings.Create() with
    {
        Rank = config.GetProperty("r").GetInt32(),
        Alpha = config.GetProperty("lora_alpha").GetDouble(),
        UseRsLora = config.GetProperty("use_rslora").GetBoolean(),
        UseDora = config.GetProperty("use_dora").GetBoolean(),
        TargetModules = [.. config.GetProperty("target_modules").EnumerateArray().Select(name => name.GetString()!)],
        RankPattern = config.GetProperty("rank_pattern").Deserialize<Dictionary<string, int>>()!,
        AlphaPattern = config.GetProperty("alpha_pattern").Deserialize<Dictionary<string, double>>()!,
        OutputDtype = tensors.Entries.Values.First().Dtype == SafetensorsDtype.BF16 ? "bfloat16" : "float32",
    };

    private static string Describe(SafetensorsEntry entry) => $"{entry.Name} {entry.Description}";

    // target_modules is a Python set, so its order is arbitrary.
    private static string Describe(JsonProperty field) => field.Name == "target_modules"
        ? $"{field.Name}: {string.Join(' ', field.Value.EnumerateArray().Select(name => name.GetString()).Order(StringComparer.Ordinal))}"
        : $"{field.Name}: {JsonSerializer.Serialize(field.Value)}";
}
