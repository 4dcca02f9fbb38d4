using System.Text.Json;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Tests.Models;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Merging;

public sealed class MergedCheckpointTests : IDisposable
{
    private const float Tolerance = 1e-6f;

    private readonly TemporaryFolder _folder = new();

    /// <summary>Every golden adapter of checkpoints that differ in biases, tied heads, dtype and files, but the one that cannot be merged.</summary>
    public static TheoryData<string, string> Adapters =>
    [
        .. ((string[])["llama-gqa", "llama-bias-untied", "llama-mqa-llama3-rope-sharded-bf16", "qwen3"]).SelectMany(
            checkpoint => GoldenRow.Load(checkpoint)
                .Where(row => row.Parts.Count == 0 && row.Case is not ("base" or "activated"))
                .Select(row => row.Case)
                .Distinct()
                .Select(adapter => new TheoryDataRow<string, string>(checkpoint, adapter))),
    ];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Adapters))]
    public void Write_Float32_ActsAsTheBaseWithTheAdapter(string checkpoint, string adapter)
    {
        Write(checkpoint, adapter, "float32");

        using var model = new GoldenModel(checkpoint, folder: Out);
        model.ShouldEqualGolden([.. GoldenRow.Load(checkpoint).Where(row => row.Case == adapter)], chunk: int.MaxValue);
    }

    [Theory]
    [InlineData("all-linear-r8")]
    [InlineData("dora-r4")]
    [InlineData("rank-and-alpha-pattern")]
    [InlineData("rslora-r16")]
    public void Write_Float32_EqualsPeftsMergeAndUnload(string adapter)
    {
        Write("llama-gqa", adapter, "float32");

        using var golden = SafetensorsFile.Open(GoldenData.Path("merged", "llama-gqa", $"{adapter}.safetensors"));
        using var written = Checkpoint.Open(Out);
        golden.Entries.Count.ShouldBe(9);
        foreach (var name in golden.Entries.Keys)
        {
            using var expected = golden.Read(name);
            using var found = written.Read(name);
            using var difference = expected.sub(found).abs().max();
            difference.item<float>().ShouldBeLessThanOrEqualTo(Tolerance, name);
        }
    }

    [Fact]
    public void Write_BFloat16_RoundsTheFloat32WeightsOnce()
    {
        Write("llama-gqa", "dora-r4", "float32");
        using var wide = Checkpoint.Open(Out);
        MergedCheckpoint.Write(Base("llama-gqa"), Adapter("llama-gqa", "dora-r4"), _folder.File("half"), "bfloat16");
        using var half = Checkpoint.Open(_folder.File("half"));

        half.Entries.Keys.ShouldBe(wide.Entries.Keys, ignoreOrder: true);
        foreach (var name in half.Entries.Keys)
        {
            using var exact = wide.Read(name);
            using var expected = exact.to(torch.ScalarType.BFloat16);
            using var found = half.Read(name);
            found.bytes.SequenceEqual(expected.bytes).ShouldBeTrue(name);
        }

        Config(_folder.File("half")).GetProperty("dtype").GetString().ShouldBe("bfloat16");
    }

    [Fact]
    public void Write_Checkpoint_HasTokenizerAndConfiguration()
    {
        Write("llama-gqa", "all-linear-r8", "float32");

        Directory.GetFiles(Out).Select(Path.GetFileName).ShouldBe(
            Directory.GetFiles(Base("llama-gqa")).Select(Path.GetFileName), ignoreOrder: true);
        Config(Out).GetProperty("dtype").GetString().ShouldBe("float32");
        Directory.GetDirectories(_folder.Path).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("all-linear-r8", true)]
    [InlineData("embeddings", false)]
    public void Write_TiedHead_StaysTiedWhereItStillEqualsTheEmbedding(string adapter, bool isTied)
    {
        Write("llama-gqa", adapter, "float32");

        Config(Out).GetProperty("tie_word_embeddings").GetBoolean().ShouldBe(isTied);
    }

    [Fact]
    public void Write_ActivatedLora_IsRefused() =>
        Should.Throw<InvalidAdapterException>(() => Write("llama-gqa", "activated", "float32"))
            .Message.ShouldContain("alora_invocation_tokens");

    [Fact]
    public void Write_FolderThatIsNotEmpty_IsRefusedAndLeftAsItIs()
    {
        Directory.CreateDirectory(Out);
        File.WriteAllText(Path.Combine(Out, "keep.txt"), "kept");

        Should.Throw<IOException>(() => Write("llama-gqa", "all-linear-r8", "float32")).Message.ShouldContain("not empty");

        Directory.GetFileSystemEntries(Out).ShouldHaveSingleItem();
    }

    [Fact]
    public void Write_AdapterOfAnotherBase_IsRefusedAndLeavesNothing()
    {
        Should.Throw<InvalidAdapterException>(() => MergedCheckpoint.Write(Base("qwen3"), Adapter("llama-gqa", "all-linear-r8"), Out, "float32"));

        Directory.GetFileSystemEntries(_folder.Path).ShouldBeEmpty();
    }

    private string Out => _folder.File("out");

    private void Write(string checkpoint, string adapter, string dtype) =>
        MergedCheckpoint.Write(Base(checkpoint), Adapter(checkpoint, adapter), Out, dtype);

    private static string Base(string checkpoint) => GoldenData.Path("checkpoints", checkpoint);

    private static string Adapter(string checkpoint, string adapter) => GoldenData.Path("adapters", checkpoint, adapter);

    private static JsonElement Config(string folder) =>
        JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(Path.Combine(folder, "config.json")));
}
