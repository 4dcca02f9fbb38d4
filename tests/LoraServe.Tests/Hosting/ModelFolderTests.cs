using System.Runtime.Versioning;
using LoraServe.Hosting;

namespace LoraServe.Tests.Hosting;

public sealed class ModelFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Fault_FolderThatCannotBeRead_SaysSo()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "This user can read everything.");
        File.SetUnixFileMode(_folder, UnixFileMode.UserWrite);
        try
        {
            ModelFolder.Fault(_folder)!.ShouldContain("can be read");
        }
        finally
        {
            File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void Fault_FolderOfAModel_IsNone() => ModelFolder.Fault(Repository.EngineGolden("checkpoints", "llama-gqa")).ShouldBeNull();

    [Theory]
    [InlineData("Qwen/Qwen3-0.6B", "hf download Qwen/Qwen3-0.6B --local-dir Qwen3-0.6B")]
    [InlineData("/no/such/folder", "expected a folder that exists, found '/no/such/folder'")]
    public void Fault_WhatIsNotThere_IsNamedAsWhatItMayBe(string path, string reason) => ModelFolder.Fault(path)!.ShouldContain(reason);

    [Theory]
    [InlineData("model.gguf", "", "the GGUF file")]
    [InlineData("sha256-1234", "GGUF\u0003", "the GGUF file")]
    [InlineData("model.safetensors", "12345678", "the file")]
    public void Fault_File_IsNamedAsWhatItIs(string name, string content, string reason)
    {
        var file = Path.Combine(_folder, name);
        File.WriteAllText(file, content);

        ModelFolder.Fault(file)!.ShouldContain(reason);
    }

    [Theory]
    [InlineData("model.gguf", "GGUF is not supported")]
    [InlineData("adapter_config.json", "PEFT adapter")]
    [InlineData("snapshots/1", "below its snapshots")]
    public void Fault_FolderOfSomethingElse_IsNamedAsWhatItIs(string name, string reason)
    {
        var file = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, "");

        ModelFolder.Fault(_folder)!.ShouldContain(reason);
    }
}
