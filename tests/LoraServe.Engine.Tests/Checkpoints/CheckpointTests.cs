using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private const string Sharded = "llama-mqa-llama3-rope-sharded-bf16";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_SingleFile_ListsItsTensors()
    {
        using var checkpoint = Checkpoint.Open(GoldenData.Path("checkpoints", "llama-gqa"));

        checkpoint.Entries["model.embed_tokens.weight"].Shape.ShouldBe([320, 64]);
        using var norm = checkpoint.Read("model.norm.weight");
        norm.shape.ShouldBe([64]);
    }

    [Fact]
    public void Open_Shards_ReadsATensorOfEach()
    {
        var folder = GoldenData.Path("checkpoints", Sharded);
        using var checkpoint = Checkpoint.Open(folder);
        foreach (var shard in Directory.EnumerateFiles(folder, "*.safetensors"))
        {
            using var file = SafetensorsFile.Open(shard);
            var name = file.Entries.Keys.First();
            using var expected = file.Read(name);
            using var read = checkpoint.Read(name);
            read.Equals(expected).ShouldBeTrue();
        }
    }

    [Fact]
    public void Open_EmptyFolder_SaysWhatItLooksFor() => Faults().ShouldHaveSingleItem().ShouldContain("expected model.safetensors or");

    [Fact]
    public void Open_ShardMissing_NamesIt()
    {
        CopyShards();
        File.Delete(_folder.File("model-00003-of-00005.safetensors"));

        Faults().ShouldHaveSingleItem().ShouldContain("model-00003-of-00005.safetensors is missing");
    }

    [Fact]
    public void Open_ShardOutsideTheFolder_IsRefused()
    {
        CopyShards();
        var index = File.ReadAllText(_folder.File("model.safetensors.index.json"));
        File.WriteAllText(
            _folder.File("model.safetensors.index.json"), index.Replace("model-00001-of-00005.safetensors", "../x/model-00001-of-00005.safetensors"));

        Faults().ShouldHaveSingleItem().ShouldContain("is not a plain file name");
    }

    [Fact]
    public void Open_TensorInTwoShards_NamesBoth()
    {
        CopyShards();
        File.Copy(_folder.File("model-00001-of-00005.safetensors"), _folder.File("model-00002-of-00005.safetensors"), overwrite: true);

        var faults = Faults();

        faults.ShouldContain(fault => fault.Contains("is in model-00001-of-00005.safetensors and in model-00002-of-00005.safetensors"));
    }

    [Fact]
    public void Open_TensorOfIndexInNoShard_NamesIt()
    {
        CopyShards();
        var index = File.ReadAllText(_folder.File("model.safetensors.index.json"));
        File.WriteAllText(
            _folder.File("model.safetensors.index.json"), index.Replace("\"model.norm.weight\"", "\"model.other.weight\""));

        Faults().ShouldHaveSingleItem().ShouldContain("tensor model.other.weight is not in");
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"weight_map":null}""")]
    [InlineData("""{"weight_map":{"a":1}}""")]
    public void Open_MalformedIndex_NamesTheFile(string json)
    {
        File.WriteAllText(_folder.File("model.safetensors.index.json"), json);

        Faults().ShouldHaveSingleItem().ShouldStartWith("model.safetensors.index.json: ");
    }

    private IReadOnlyCollection<string> Faults() => Should.Throw<InvalidCheckpointException>(() => Checkpoint.Open(_folder.Path)).Faults;

    private void CopyShards()
    {
        foreach (var file in Directory.EnumerateFiles(GoldenData.Path("checkpoints", Sharded), "model*"))
        {
            File.Copy(file, _folder.File(Path.GetFileName(file)));
        }
    }
}
