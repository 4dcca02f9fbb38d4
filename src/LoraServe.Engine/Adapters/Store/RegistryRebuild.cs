using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>
/// Rebuilds the registry from the files: names from their copies, versions from their descriptions. The old registry goes into the trash. A
/// version without a description is checked when it is first used.
/// </summary>
/// <param name="store">Whose registry is not open.</param>
/// <param name="trash">Takes files that cannot be used.</param>
/// <param name="log">Told what was rebuilt.</param>
internal sealed partial class RegistryRebuild(AdapterStore store, Trash trash, ILogger log)
{
    private const string NotCheckedYet = "It was found when the registry was rebuilt and is checked again when it is first used.";

    /// <summary>Rebuilds the registry and opens it.</summary>
    /// <exception cref="IOException">It cannot be written; or the old one is of a newer release or cannot be read, and stays.</exception>
    public AdapterRegistry Run()
    {
        var path = store.RegistryPath;
        if (File.Exists(path)) CheckReplaceable(path);
        var found = store.Versions.ToDictionary(version => version.Value, version => VersionFile.TryRead(store.FolderOf(version)), StringComparer.Ordinal);
        var first = 1 + Math.Max(
            new DatabaseGeneration(path).NumberBeside(),
            found.Values.Select(file => file?.Generation ?? 0).DefaultIfEmpty().Max());
        // Copies of names are read before the new registry writes its own.
        var (rows, unreadable) = AliasFiles.Of(path).Read();
        foreach (var file in unreadable) trash.Take(file, "it is not the name of an adapter");
        DatabaseFiles.Discard(path, trash, "the registry is rebuilt");

        var registry = AdapterRegistry.Rebuild(path, first, [.. Names(rows, found)], [.. found.Select(pair => Known(pair.Key, pair.Value))], trash, log);
        LogRebuilt(rows.Count, found.Count);
        return registry;
    }

    // Intact or damaged, its content is in the files beside it too. Rebuilding does not help against other reasons why it cannot be opened.
    private static void CheckReplaceable(string path)
    {
        using var copy = new DatabaseCopy(path);
        try
        {
            AdapterRegistry.Open(copy.Path, new Trash(copy.Folder, TimeProvider.System, NullLogger.Instance)).Dispose();
        }
        catch (IOException e) when (e is InvalidDatabaseException || DatabaseDamage.IsCauseOf(e))
        {
            // This is what rebuilding repairs.
        }
        catch (IOException e)
        {
            throw new IOException(copy.Explain(e.Message), e);
        }
    }

    // A name without a copy is restored from the versions that were uploaded under it; a version without any name gets a new one.
    private IEnumerable<AliasRow> Names(IReadOnlyList<AliasRow> rows, Dictionary<string, VersionFile?> found)
    {
        foreach (var row in rows)
        {
            foreach (var entry in row.History.Where(entry => !found.ContainsKey(entry.Version)).ToList())
            {
                LogMissing(row.Name, entry.Version);
                row.History.Remove(entry);
            }

            if (row.Version is not null && row.History.TrueForAll(entry => entry.Version != row.Version))
                row.Version = row.History.MaxBy(entry => entry.Position)?.Version;
            yield return row;
        }

        var named = rows.SelectMany(row => row.History).Select(entry => entry.Version).ToHashSet(StringComparer.Ordinal);
        var names = rows.Select(row => row.Name).ToHashSet(StringComparer.Ordinal);
        var lost = found.Where(pair => !named.Contains(pair.Key)).ToList();
        foreach (var group in lost.GroupBy(pair => NameOf(pair.Key, pair.Value, names)).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            LogNamed(group.Key, group.Count());
            yield return Name(group.Key, [.. group.OrderBy(pair => pair.Value?.Generation ?? 0).ThenBy(pair => pair.Key, StringComparer.Ordinal)]);
        }
    }

    private static string NameOf(string version, VersionFile? file, HashSet<string> names) =>
        file is not null && AdapterName.IsValid(file.Name) && !names.Contains(file.Name) ? file.Name : $"recovered-{version[..12]}";

    private static AliasRow Name(string name, IReadOnlyList<KeyValuePair<string, VersionFile?>> oldestFirst) => new()
    {
        Name = name,
        Created = Created(oldestFirst[0].Value),
        Mode = default,
        Weight = 1,
        Pinned = false,
        LastUse = null,
        Version = oldestFirst[^1].Key,
        History =
        [
            .. oldestFirst.Select((pair, i) => new HistoryRow
            {
                Name = name,
                Version = pair.Key,
                Position = i + 1,
                Since = Created(pair.Value),
                Share = 0,
                Origin = pair.Value?.Origin is { } origin ? RowMapping.Serialize(origin) : null,
            }),
        ],
    };

    private static DateTimeOffset Created(VersionFile? file) => file?.Known.Created ?? DateTimeOffset.UnixEpoch;

    private static KnownVersion Known(string version, VersionFile? file) =>
        file?.Version == version ? file.Known : new KnownVersion { Description = Unknown(version), CheckedAgainst = "", Created = DateTimeOffset.UnixEpoch, Broken = NotCheckedYet };

    private static AdapterInfo Unknown(string version) => new()
    {
        Name = "unnamed",
        Version = new AdapterVersionId(version),
        Rank = 0,
        Alpha = 0,
        UsesRsLora = false,
        TargetModules = [],
        ModuleCount = 0,
        Parameters = 0,
        SizeBytes = 0,
        BaseModelName = null,
        Created = DateTimeOffset.UnixEpoch,
        Warnings = [],
    };

    [LoggerMessage(LogLevel.Warning, "The registry of adapters was rebuilt: {Names} names had files, {Versions} versions are stored")]
    private partial void LogRebuilt(int names, int versions);

    [LoggerMessage(LogLevel.Warning, "The files of version {Version} of '{Name}' are lost")]
    private partial void LogMissing(string name, string version);

    [LoggerMessage(LogLevel.Warning, "The name '{Name}' is made again for {Count} versions that had none")]
    private partial void LogNamed(string name, int count);
}
