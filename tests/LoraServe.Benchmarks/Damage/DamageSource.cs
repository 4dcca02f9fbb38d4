using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Keys;

namespace LoraServe.Benchmarks.Damage;

/// <summary>
/// Data folders to damage: copies of one at several stages, half of them taken while the server ran, as a kill leaves it, and the folder
/// of another server.
/// </summary>
/// <param name="root">An empty folder.</param>
internal sealed class DamageSource(string root)
{
    private const int Stages = 6;

    /// <summary>Complete copies of the folder, the oldest first.</summary>
    public List<string> Copies { get; } = [];

    /// <summary>The data folder of another server.</summary>
    public string Stranger { get; } = Path.Combine(root, "stranger");

    /// <summary>Creates all of them.</summary>
    public async Task PrepareAsync()
    {
        var data = Path.Combine(root, "source");
        for (var stage = 0; stage < Stages; stage++)
        {
            using (var server = new DamagedServer(data))
            {
                await GrowAsync(server, data, stage);
                Copy(data, $"{stage}-running");
            }

            Copy(data, $"{stage}-stopped");
        }

        using var other = new DamagedServer(Stranger);
        await GrowAsync(other, Stranger, 20);
    }

    /// <summary>Copies a folder without its lock and its reserved disk space.</summary>
    public static void CopyTree(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) is "lock" or "reserve") continue;
            using var source = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var copy = File.Create(Path.Combine(to, Path.GetRelativePath(from, file)));
            source.CopyTo(copy);
        }
    }

    private static async Task GrowAsync(DamagedServer server, string data, int stage)
    {
        await server.AddAdapterAsync("moved", 2 * stage);
        await server.AddAdapterAsync($"adapter-{stage}", (2 * stage) + 1);
        if (stage == 2) server.Adapters.SaveMix("both", [new AdapterPart("moved", 0.5), new AdapterPart("adapter-1", 0.5)]);
        if (stage == 3) server.Adapters.Remove("adapter-0", force: true);
        if (stage == 4) server.Adapters.Rollback("moved", toVersionPrefix: null);
        server.AddFile($"file {stage}");
        server.AddJob(data, $"ftjob-{stage}");
        if (stage > 0)
        {
            server.Keys.Create(new NewKey
            {
                Name = $"key {stage}",
                Scopes = KeyScopes.All,
                Adapters = [AdapterPattern.TryParse("*")!],
                AllowsBase = true,
            });
        }
    }

    private void Copy(string data, string name)
    {
        var to = Path.Combine(root, "copies", name);
        CopyTree(data, to);
        Copies.Add(to);
    }
}
