using LoraServe.Engine.Adapters.Intake;

namespace LoraServe.Benchmarks.Kills;

/// <summary>Changes a store as fast as it can until it is killed, and journals the start and end of each change.</summary>
internal static class KillWorker
{
    private static readonly string[] Names = ["a", "b", "c", "d"];

    /// <summary>Never ends by itself.</summary>
    public static async Task RunAsync(string root, int seed)
    {
        var random = new Random(seed);
        using var manager = KilledStore.Open(root);
        await using var journal = new StreamWriter(new FileStream(KilledStore.Journal(root), FileMode.Create, FileAccess.Write, FileShare.ReadWrite))
        {
            AutoFlush = true,
        };
        while (true)
        {
            var name = Names[random.Next(Names.Length)];
            var versions = manager.Find(name) is null ? [] : manager.Versions(name);
            switch (random.Next(6))
            {
                case 0 when versions.Count > 0:
                    await journal.WriteLineAsync($"begin {name} -");
                    manager.Remove(name, force: true);
                    break;
                case 1 or 2 when versions.Count > 1:
                    var target = versions[random.Next(versions.Count)].Version;
                    await journal.WriteLineAsync($"begin {name} {target}");
                    manager.Rollback(name, target.Value);
                    break;
                default:
                    using (var upload = await KilledStore.UploadAsync(manager, root, random))
                    {
                        var options = new AddOptions { Replace = true };
                        using var adapter = await manager.CheckAsync(name, upload, options, CancellationToken.None);
                        await journal.WriteLineAsync($"begin {name} {adapter.Info.Version}");
                        await manager.StoreAsync(adapter, CancellationToken.None);
                    }

                    break;
            }

            await journal.WriteLineAsync("done");
        }
    }
}
