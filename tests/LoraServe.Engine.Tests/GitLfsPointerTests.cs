using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Peft;
using LoraServe.Tests;
using LoraServe.Text.Files;
using LoraServe.Text.Tokenizers;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests;

public sealed class GitLfsPointerTests : IDisposable
{
    private const string Pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:fd6abf95832c2a085eec96aff4a98a45d21ea251058c09ce05702cd49295e2cb\nsize 1049\n";

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    public void ModelConfig_Pointer_IsNamedAsOne(string fileName)
    {
        File.Copy(GoldenData.Path("checkpoints", "llama-gqa", "config.json"), _folder.File("config.json"));
        Write(fileName);

        Should.Throw<InvalidCheckpointException>(() => ModelConfig.Load(_folder.Path)).Faults.ShouldContain($"{fileName}: {GitLfsPointer.Fault}");
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("model.safetensors.index.json")]
    public void Checkpoint_Pointer_IsNamedAsOne(string fileName)
    {
        Write(fileName);

        Should.Throw<InvalidCheckpointException>(() => Checkpoint.Open(_folder.Path)).Faults.ShouldBe([$"{fileName}: {GitLfsPointer.Fault}"]);
    }

    [Fact]
    public void Tokenizer_Pointer_IsNamedAsOne()
    {
        Write("tokenizer.json");

        Should.Throw<InvalidTokenizerException>(() => Tokenizer.Load(_folder.File("tokenizer.json"))).Message.ShouldContain(GitLfsPointer.Fault);
    }

    [Theory]
    [InlineData(PeftConfig.FileName)]
    [InlineData(PeftAdapter.TensorFileName)]
    public void Adapter_Pointer_IsNamedAsOne(string fileName)
    {
        foreach (var file in Directory.GetFiles(GoldenData.Path("adapters", "llama-gqa", "attention-r4")))
            File.Copy(file, _folder.File(Path.GetFileName(file)));
        Write(fileName);
        var modules = ModelConfig.Load(GoldenData.Path("checkpoints", "llama-gqa")).Modules("llama-gqa");

        Should.Throw<InvalidPeftException>(() => PeftAdapter.Open(_folder.Path, modules, maxRank: 8)).Malformed
            .ShouldBe([$"{fileName}: {GitLfsPointer.Fault}"]);
    }

    public void Dispose() => _folder.Dispose();

    private void Write(string fileName) => File.WriteAllText(_folder.File(fileName), Pointer);
}
