using LoraServe.Benchmarks.Kills;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Files;
using LoraServe.Jobs;
using LoraServe.Jobs.Storage;
using LoraServe.Keys;
using LoraServe.Keys.Storage;
using LoraServe.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Benchmarks.Damage;

/// <summary>The part of a server's start that touches its data folder, without a model and without a socket.</summary>
internal sealed class DamagedServer : IDisposable
{
    private readonly Stack<IDisposable> _parts = new();

    /// <param name="data">The data folder.</param>
    /// <param name="rebuild">As --rebuild-registry.</param>
    /// <exception cref="IOException">The start is refused.</exception>
    public DamagedServer(string data, bool rebuild = false)
    {
        try
        {
            var folder = Keep(new DataFolder(new LoraServeOptions { Data = data }, TimeProvider.System, NullLogger<DataFolder>.Instance));
            Keys = Keep(new KeyRing(Keep(KeyDatabase.Open(data)), TimeProvider.System, NullLogger<KeyRing>.Instance));
            Keys.CheckNotLost();
            var database = Keep(JobDatabase.Open(folder, rebuild, NullLogger.Instance));
            if (!rebuild) AdapterData.Check(data, NullLogger.Instance);
            Adapters = Keep(OpenAdapters(data, rebuild));
            Files = new FileStore(database, folder, TimeProvider.System, NullLogger<FileStore>.Instance);
            Jobs = new JobStore(database, TimeProvider.System);
            // All leftovers are older than this start.
            var soon = DateTimeOffset.UtcNow.AddMinutes(1);
            Files.Sweep(soon);
            Files.DeleteExpired();
            new JobFolders(Jobs, Files, folder).Sweep(soon);
            folder.Tidy();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public AdapterManager Adapters { get; }

    public FileStore Files { get; }

    public JobStore Jobs { get; }

    public KeyRing Keys { get; }

    /// <summary>Stores a generated adapter under a name.</summary>
    public async Task AddAdapterAsync(string name, int content)
    {
        var folder = Directory.CreateTempSubdirectory("loraserve-damage-").FullName;
        try
        {
            GeneratedAdapter.Write(Path.Combine(folder, "adapter"), KilledStore.Base.Modules.Linears, rank: 2, seed: content);
            using var upload = Adapters.BeginUpload();
            foreach (var path in Directory.GetFiles(Path.Combine(folder, "adapter")))
            {
                await using var file = File.OpenRead(path);
                await upload.ReadFileAsync(Path.GetFileName(path), file, CancellationToken.None);
            }

            await Adapters.AddAsync(name, upload, new AddOptions { Replace = true }, CancellationToken.None);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Stores a file.</summary>
    public string AddFile(string content)
    {
        var path = Files.BeginFile();
        File.WriteAllText(path, content);
        return Files.Add(path, file => file with { Owner = "owner", Name = $"{content}.jsonl", Purpose = FilePurpose.Evals }).Id;
    }

    /// <summary>Stores a job with a checkpoint in its folder.</summary>
    public void AddJob(string data, string id)
    {
        var folder = Directory.CreateDirectory(Path.Combine(data, "training", id, "run", "checkpoints", "step-3")).FullName;
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), $"checkpoint of {id}");
        Jobs.Add(id, "fine_tuning.job", Caller.CommandLine with { Id = "owner" }, "{}", most: 1000);
        Jobs.AddCheckpoint(id, 3, "run/checkpoints/step-3");
    }

    public void Dispose()
    {
        while (_parts.TryPop(out var part)) part.Dispose();
    }

    private static AdapterManager OpenAdapters(string data, bool rebuild) => AdapterManager.Open(
        KilledStore.Base,
        new AdapterOptions { DataFolder = data, MaxRank = 16, CacheBytes = 1 << 20, RebuildRegistry = rebuild },
        TimeProvider.System,
        new Random(1),
        NullLogger<AdapterManager>.Instance);

    private T Keep<T>(T part)
        where T : IDisposable
    {
        _parts.Push(part);
        return part;
    }
}
