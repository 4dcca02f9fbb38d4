using System.Security.Cryptography;
using LoraServe.Commands;
using LoraServe.Tests.Keys;
using LoraServe.Tests.Training;

namespace LoraServe.Tests.Commands;

public sealed class VerifyDataCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_WholeThenDamagedFolder_NamesEachFaultAndChangesNothing()
    {
        string file;
        await using (var server = new KeptServer(_folder))
        {
            await server.InitializeAsync();
            await KeyedServer.PutAsync(server.Client, "a");
            await KeyedServer.PutAsync(server.Client, "b", "rank-1");
            file = await server.Client.FileAsync("""{"prompt": "a", "completion": "b"}""");
            Run().ExitCode.ShouldBe(2);
        }

        // The host releases the folder's lock shortly after it has stopped.
        await LoraServeServer.EventuallyAsync(() => Run().ExitCode != 2);
        var whole = Run();
        whole.Output.ShouldContain("Faults: 0, notes: 0. Looked at: versions of adapters 2, files 1, jobs 0, keys 0.");
        whole.ExitCode.ShouldBe(0);

        var versions = Directory.GetDirectories(Path.Combine(_folder, "adapters", "versions"));
        var tensors = Path.Combine(versions[0], "adapter_model.safetensors");
        var bytes = File.ReadAllBytes(tensors);
        bytes[^1] ^= 1;
        File.WriteAllBytes(tensors, bytes);
        var config = Path.Combine(versions[1], "adapter_config.json");
        File.Delete(config);
        var content = Path.Combine(_folder, "files", file);
        File.WriteAllText(content, "cut");
        File.WriteAllText(Path.Combine(_folder, "adapters", "registry.db"), "");
        File.WriteAllText(Path.Combine(_folder, "had-keys"), "");
        var before = Hash();
        var damaged = Run();

        damaged.ExitCode.ShouldBe(1);
        foreach (var path in new[] { tensors, config, content, "--rebuild-registry", "had-keys" }) damaged.Output.ShouldContain(path);
        damaged.Output.ShouldContain("Faults: 5,");
        Hash().ShouldBe(before);
    }

    [Fact]
    public void Run_NoFolder_SaysWhich()
    {
        var (exitCode, output) = Run("nothing");

        exitCode.ShouldBe(2);
        output.ShouldContain("--data");
    }

    private (int ExitCode, string Output) Run(string name = "")
    {
        using var output = new StringWriter();
        return (VerifyDataCommand.Run(Path.Combine(_folder, name), output, output), output.ToString());
    }

    private string Hash() => string.Join('\n', Directory.GetFiles(_folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(path => $"{path} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}"));

    private sealed class KeptServer(string data) : LoraServeServer(Settings(("Model", Repository.EngineGolden("checkpoints", "llama-gqa"))), data);
}
