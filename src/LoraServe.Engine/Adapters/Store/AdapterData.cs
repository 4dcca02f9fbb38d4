using LoraServe.Engine.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>Checks the adapters of a data folder, as far as that is possible without a base.</summary>
public static class AdapterData
{
    /// <summary>Refuses a registry that is not the one of the files beside it, as a start would after loading a base.</summary>
    /// <param name="dataFolder">No other process uses it.</param>
    /// <param name="log">Told what a killed process left.</param>
    /// <exception cref="IOException">It is not; the message says how to go on.</exception>
    public static void Check(string dataFolder, ILogger log)
    {
        if (!Directory.Exists(Adapters(dataFolder))) return;
        AdapterRegistry.Open(Registry(dataFolder), new Trash(dataFolder, TimeProvider.System, log), log).Dispose();
    }

    /// <summary>Checks all adapters and changes nothing.</summary>
    /// <param name="dataFolder">No other process uses it.</param>
    /// <param name="count">Versions that were checked.</param>
    public static IReadOnlyList<DataFinding> Verify(string dataFolder, out int count)
    {
        count = 0;
        if (!Directory.Exists(Adapters(dataFolder))) return [];
        var found = new List<DataFinding>();
        var (content, generation) = Read(dataFolder, found);
        var versions = Path.Combine(Adapters(dataFolder), "versions");
        var stored = Directory.Exists(versions) ? Directory.GetDirectories(versions).ToDictionary(folder => Path.GetFileName(folder), StringComparer.Ordinal) : [];
        foreach (var (version, folder) in stored.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            count++;
            found.AddRange(Verify(version, folder));
        }

        if (content is null) return found;
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var alias in content.Aliases)
        {
            foreach (var entry in alias.History)
            {
                named.Add(entry.Version.Value);
                if (!stored.ContainsKey(entry.Version.Value)) found.Add(new(true, $"{Path.Combine(versions, entry.Version.Value)}, a version of '{alias.Name}', is missing"));
            }
        }

        // Names from versions without a registry are files, and point at versions too.
        if (Directory.Exists(Path.Combine(Adapters(dataFolder), "names"))) return found;
        foreach (var (version, folder) in stored.Where(pair => AdapterStore.IsVersion(pair.Key) && !named.Contains(pair.Key)))
        {
            found.Add(VersionFile.TryRead(folder)?.Generation > generation + 1
                ? new(true, $"{folder} is newer than {Registry(dataFolder)}, which does not know it")
                : new(false, $"{folder} has no name: the next start moves it into the trash"));
        }

        return found;
    }

    private static IEnumerable<DataFinding> Verify(string version, string folder)
    {
        if (!AdapterStore.IsVersion(version))
        {
            yield return new(false, $"{folder} is not a version of an adapter");
            yield break;
        }

        var file = VersionFile.TryRead(folder);
        foreach (var name in ((string[])[AdapterFiles.Config, AdapterFiles.Tensors]).Where(name => file?.Files.Any(entry => entry.Name == name) != true))
        {
            if (!File.Exists(Path.Combine(folder, name))) yield return new(true, $"{Path.Combine(folder, name)} is missing");
        }

        if (file is null)
        {
            yield return File.Exists(Path.Combine(folder, VersionFile.FileName))
                ? new(true, $"{Path.Combine(folder, VersionFile.FileName)} is damaged")
                : new(false, $"{folder} has no {VersionFile.FileName}: its content is checked when it is used");
        }
        else if (file.Version != version)
        {
            yield return new(true, $"{folder} holds the version {file.Version}");
        }
        else
        {
            foreach (var fault in file.Faults(folder)) yield return new(true, fault);
        }
    }

    private static (RegistryContent? Content, long Generation) Read(string dataFolder, List<DataFinding> found)
    {
        using var copy = new DatabaseCopy(Registry(dataFolder));
        copy.Stand("versions", Directory.Exists);
        copy.Stand("names", File.Exists);
        copy.Stand("aliases", path => path.EndsWith(".json", StringComparison.Ordinal));
        try
        {
            using var registry = AdapterRegistry.Open(copy.Path, new Trash(copy.Folder, TimeProvider.System, NullLogger.Instance));
            return (registry.Read(), registry.Generation);
        }
        catch (IOException e)
        {
            found.Add(new(true, copy.Explain(e.Message)));
            return (null, 0);
        }
    }

    private static string Adapters(string dataFolder) => Path.Combine(Path.GetFullPath(dataFolder), "adapters");

    private static string Registry(string dataFolder) => Path.Combine(Adapters(dataFolder), "registry.db");
}
