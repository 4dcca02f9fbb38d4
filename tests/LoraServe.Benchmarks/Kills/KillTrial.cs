using System.Diagnostics;
using LoraServe.Engine.Adapters;

namespace LoraServe.Benchmarks.Kills;

/// <summary>Repeatedly kills a <see cref="KillWorker"/>, and checks the store it leaves.</summary>
/// <param name="root">An empty folder.</param>
/// <param name="worker">Starts a process that runs the worker on the root with a seed.</param>
internal sealed class KillTrial(string root, Func<int, ProcessStartInfo> worker)
{
    private const int LongestMilliseconds = 400;
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(60);

    // The version of each name when the last worker was killed.
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>Changes that the workers completed.</summary>
    public int Changes { get; private set; }

    /// <summary>Workers that were killed in the middle of a change.</summary>
    public int KilledInside { get; private set; }

    /// <summary>Versions loaded after a kill whose content matched their hash.</summary>
    public int Verified { get; private set; }

    /// <summary>One kill and the restart after it.</summary>
    /// <exception cref="BenchmarkException">Something was lost or half done.</exception>
    public async Task RunAsync(int seed)
    {
        var random = new Random(seed);
        File.Delete(KilledStore.Journal(root));
        using (var process = Process.Start(worker(seed))!)
        {
            await WaitForJournalAsync(process);
            await Task.Delay(random.Next(LongestMilliseconds));
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }

        var pending = Replay();
        using var manager = KilledStore.Open(root);
        VerifyNames(manager, pending);
        await VerifyVersionsAsync(manager);
        VerifyFolders(manager);
    }

    private async Task WaitForJournalAsync(Process process)
    {
        var clock = Stopwatch.StartNew();
        // The first changes of a process take longer, since its code is still being compiled.
        while (ReadJournal().Count < 4)
        {
            if (process.HasExited) throw new BenchmarkException($"The worker ended by itself with {process.ExitCode}.");
            if (clock.Elapsed > StartTime) throw new BenchmarkException($"The worker has not begun within {StartTime.TotalSeconds} seconds.");
            await Task.Delay(10);
        }
    }

    // The last change may or may not have been made; all earlier ones were.
    private (string Name, string Version)? Replay()
    {
        (string Name, string Version)? pending = null;
        foreach (var line in ReadJournal())
        {
            if (line.Split(' ') is ["begin", var name, { Length: 1 or 64 } version])
            {
                pending = (name, version);
            }
            else if (line == "done" && pending is { } change)
            {
                Set(change.Name, change.Version);
                pending = null;
                Changes++;
            }
        }

        if (pending is not null) KilledInside++;
        return pending;
    }

    private void VerifyNames(AdapterManager manager, (string Name, string Version)? pending)
    {
        var found = manager.List().ToDictionary(info => info.Name, info => info.Version.Value, StringComparer.Ordinal);
        foreach (var name in found.Keys.Union(_names.Keys, StringComparer.Ordinal).ToList())
        {
            var (expected, actual) = (_names.GetValueOrDefault(name, "-"), found.GetValueOrDefault(name, "-"));
            if (actual != expected && (pending?.Name != name || actual != pending.Value.Version))
                throw new BenchmarkException($"'{name}' points at {actual}, expected {expected} or what was under way, {pending}.");
            Set(name, actual);
        }
    }

    private async Task VerifyVersionsAsync(AdapterManager manager)
    {
        foreach (var name in _names.Keys)
        {
            foreach (var version in manager.Versions(name))
            {
                // Loading hashes the files again.
                using var lease = await manager.AcquireAsync($"{name}@{version.Version}", CancellationToken.None);
                if (lease.Version != version.Version) throw new BenchmarkException($"'{name}': {lease.Version} is not {version.Version}.");
                Verified++;
            }
        }
    }

    private void VerifyFolders(AdapterManager manager)
    {
        var named = _names.Keys.SelectMany(manager.Versions).Select(version => version.Version.Value).ToHashSet(StringComparer.Ordinal);
        var stored = Directory.GetDirectories(Path.Combine(root, "data", "adapters", "versions")).Select(Path.GetFileName).ToList();
        if (!named.SetEquals(stored!)) throw new BenchmarkException($"{stored.Count} versions are stored, {named.Count} are named.");
        var incoming = Directory.GetFileSystemEntries(Path.Combine(root, "data", "adapters", "incoming"));
        if (incoming.Length > 0) throw new BenchmarkException($"{incoming.Length} files of killed uploads are left.");
    }

    private List<string> ReadJournal()
    {
        using var file = new FileStream(KilledStore.Journal(root), FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return [.. reader.ReadToEnd().Split('\n')];
    }

    private void Set(string name, string version)
    {
        if (version == "-") _names.Remove(name);
        else _names[name] = version;
    }
}
