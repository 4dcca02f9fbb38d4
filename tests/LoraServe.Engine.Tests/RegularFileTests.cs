using System.Diagnostics;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Peft;
using LoraServe.Engine.Training.Data;
using LoraServe.Tests;
using LoraServe.Text.Files;
using LoraServe.Text.Templates;
using LoraServe.Text.Tokenizers;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests;

/// <summary>Opening a pipe that nobody writes to would wait for ever: the limits tell a hang.</summary>
public sealed class RegularFileTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Open_RegularFileBehindALink_IsRead()
    {
        File.WriteAllText(_folder.File("file"), "text");
        File.CreateSymbolicLink(_folder.File("link"), "file");

        using var file = RegularFile.Open(_folder.File("link"));
        file.Length.ShouldBe(4);
        RegularFile.IsOther(_folder.Path).ShouldBeFalse();
    }

    [Fact]
    public void Open_NothingThere_SaysSo() => Should.Throw<FileNotFoundException>(() => RegularFile.Open(_folder.File("nothing")));

    [Fact]
    public Task Open_DeviceBehindALink_IsRefused() => WithinTime(() =>
    {
        File.CreateSymbolicLink(_folder.File("endless"), "/dev/zero");

        Should.Throw<IOException>(() => RegularFile.ReadAllBytes(_folder.File("endless"))).Message.ShouldStartWith("endless is a pipe, a socket or a device");
    });

    [Theory]
    [InlineData(PeftConfig.FileName)]
    [InlineData(PeftAdapter.TensorFileName)]
    [InlineData("tokenizer_config.json")]
    public Task Adapter_Pipe_IsAFault(string fileName) => WithinTime(() =>
    {
        foreach (var file in Directory.GetFiles(GoldenData.Path("adapters", "llama-gqa", "attention-r4")))
            File.Copy(file, _folder.File(Path.GetFileName(file)));
        MakePipe(fileName);
        var modules = ModelConfig.Load(GoldenData.Path("checkpoints", "llama-gqa")).Modules("llama-gqa");
        IEnumerable<string> faults = ChatTemplates.LoadOfAdapter(_folder.Path).Faults;

        if (!faults.Any()) faults = Should.Throw<InvalidPeftException>(() => PeftAdapter.Open(_folder.Path, modules, maxRank: 8)).Malformed;

        faults.ShouldHaveSingleItem().ShouldContain($"{fileName}");
        faults.Single().ShouldContain("expected a regular file");
    });

    [Theory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("model.safetensors")]
    [InlineData("model.safetensors.index.json")]
    public Task Checkpoint_Pipe_IsAFault(string fileName) => WithinTime(() =>
    {
        if (fileName == "generation_config.json")
            File.Copy(GoldenData.Path("checkpoints", "llama-gqa", "config.json"), _folder.File("config.json"));
        MakePipe(fileName);

        var e = Should.Throw<InvalidCheckpointException>(() =>
        {
            if (fileName.StartsWith("model", StringComparison.Ordinal)) Checkpoint.Open(_folder.Path).Dispose();
            else ModelConfig.Load(_folder.Path);
        });

        e.Message.ShouldContain($"{fileName} is a pipe");
    });

    [Fact]
    public Task Tokenizer_Pipe_IsRefused() => WithinTime(() =>
    {
        MakePipe("tokenizer.json");

        Should.Throw<IOException>(() => Tokenizer.Load(_folder.File("tokenizer.json"))).Message.ShouldContain("is a pipe");
    });

    [Fact]
    public Task TrainingData_Pipe_IsRefused() => WithinTime(() =>
    {
        MakePipe("data.jsonl");

        Should.Throw<IOException>(() => new JsonLines(_folder.File("data.jsonl"))).Message.ShouldContain("write what it gives to a file");
    });

    public void Dispose() => _folder.Dispose();

    private static Task WithinTime(Action test) => Task.Run(test, TestContext.Current.CancellationToken).WaitAsync(Limit, TestContext.Current.CancellationToken);

    private void MakePipe(string fileName)
    {
        File.Delete(_folder.File(fileName));
        using var process = Process.Start("mkfifo", [_folder.File(fileName)]);
        process.WaitForExit();
        process.ExitCode.ShouldBe(0);
    }
}
