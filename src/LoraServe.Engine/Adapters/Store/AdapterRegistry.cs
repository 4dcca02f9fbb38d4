using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>
/// Names, versions and what is known of them, in the database registry.db. Copies of the names are beside it, from which it can be rebuilt.
/// Safe for concurrent use.
/// </summary>
internal sealed class AdapterRegistry : IndexDatabase<RegistryContext>
{
    private readonly RegistryCopies _copies;
    private readonly DiskReserve _reserve;

    private AdapterRegistry(string path, RegistryCopies copies, DiskReserve reserve, ILogger log)
        : base(new DatabaseGeneration(path), "registry of adapters", copies, reserve, log, options => new RegistryContext(options)) =>
        (_copies, _reserve) = (copies, reserve);

    /// <summary>Opens the registry, which is created if it is not there.</summary>
    /// <param name="path">The database.</param>
    /// <param name="trash">Takes copies of names that it does not know.</param>
    /// <param name="log">Told what a killed process left; null: not logged.</param>
    /// <exception cref="InvalidDatabaseException">
    /// It is damaged, or is not the one that the files beside it belong to; the message says how to go on.
    /// </exception>
    /// <exception cref="IOException">It cannot be used.</exception>
    public static AdapterRegistry Open(string path, Trash trash, ILogger? log = null) => Open(path, rebuilt: null, trash, log ?? NullLogger.Instance);

    /// <summary>Creates a registry from what was found on the disk.</summary>
    /// <param name="path">No file.</param>
    /// <param name="first">Its first generation.</param>
    /// <param name="aliases">All names; their versions are among those found.</param>
    /// <param name="versions">All versions.</param>
    /// <param name="trash">Takes copies of other names.</param>
    /// <param name="log">Told of copies that cannot be written.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static AdapterRegistry Rebuild(
        string path, long first, IReadOnlyList<AliasRow> aliases, IReadOnlyCollection<KnownVersion> versions, Trash trash, ILogger log)
    {
        var rebuilt = new IndexContent<RegistryContext>(first, context =>
        {
            context.Versions.AddRange(versions.Select(RowMapping.ToRow));
            context.Aliases.AddRange(aliases);
            context.SaveChanges();
        });
        return Open(path, rebuilt, trash, log);
    }

    /// <summary>Everything that is stored.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public RegistryContent Read() => Read(context => new RegistryContent(
        [.. RegistryCopies.Rows(context).AsEnumerable().Select(RowMapping.ToAlias)],
        [.. context.Versions.AsNoTracking().AsEnumerable().Select(RowMapping.ToVersion).OfType<KnownVersion>()],
        context.Folders.AsNoTracking().ToDictionary(row => row.Path, StringComparer.Ordinal)));

    /// <summary>Stores a name, whole, and versions that are new or have changed.</summary>
    /// <exception cref="IOException">Nothing was stored.</exception>
    public void Save(AdapterAlias? alias, params IReadOnlyList<KnownVersion> versions) => Change(
        context => Save(context, alias, versions),
        static _ => true,
        (context, _) =>
        {
            if (alias is not null) _copies.Write(context, alias.Name);
        });

    /// <summary>Removes a name, and versions that no name points at any more. Works on a full disk too.</summary>
    /// <exception cref="IOException">Nothing was removed.</exception>
    public void Remove(string name, IReadOnlyCollection<AdapterVersionId> versions)
    {
        string[] ids = [.. versions.Select(version => version.Value)];
        Delete(
            context => context.Aliases.Where(row => row.Name == name).ExecuteDelete() + context.Versions.Where(row => ids.Contains(row.Version)).ExecuteDelete(),
            (context, _) => _copies.Write(context, name));
    }

    /// <summary>Takes room on the disk that deleting needs when it is full.</summary>
    public void FillReserve() => _reserve.Fill();

    /// <summary>Stores when names were used last.</summary>
    /// <exception cref="IOException">Nothing was stored.</exception>
    public void SaveUses(IReadOnlyDictionary<string, DateTimeOffset> uses) => Write(context => uses.Sum(use =>
        context.Aliases.Where(row => row.Name == use.Key).ExecuteUpdate(row => row.SetProperty(alias => alias.LastUse, use.Value))));

    /// <summary>Stores what the folders given at start hold, in place of what was stored of folders before.</summary>
    /// <exception cref="IOException">Nothing was stored.</exception>
    public void SaveFolders(IEnumerable<FolderRow> folders, IEnumerable<KnownVersion> versions) => Write(context =>
    {
        context.Folders.ExecuteDelete();
        foreach (var version in versions.Select(RowMapping.ToRow)) Upsert(context, version);
        context.Folders.AddRange(folders);
        context.SaveChanges();
        return context.Database.ExecuteSql(
            $"DELETE FROM Versions WHERE Version NOT IN (SELECT Version FROM History UNION SELECT Version FROM Folders)");
    });

    private static AdapterRegistry Open(string path, IndexContent<RegistryContext>? rebuilt, Trash trash, ILogger log)
    {
        var reserve = new DiskReserve(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var registry = new AdapterRegistry(path, new RegistryCopies(path, trash), reserve, log);
        registry.Open(rebuilt);
        reserve.Fill();
        return registry;
    }

    private static bool Save(RegistryContext context, AdapterAlias? alias, IReadOnlyList<KnownVersion> versions)
    {
        foreach (var version in versions.Select(RowMapping.ToRow)) Upsert(context, version);
        if (alias is null) return true;
        // The files of the folder decide what such a name points at; a stored adapter of the same name keeps its history.
        if (alias.Folder is not null && context.Aliases.Find(alias.Name) is { } stored)
        {
            (stored.Mode, stored.Weight, stored.Pinned) = (alias.Mode, alias.Share, alias.Pinned);
            return true;
        }

        context.Aliases.Where(row => row.Name == alias.Name).ExecuteDelete();
        context.Aliases.Add(RowMapping.ToRow(alias));
        return true;
    }

    private static void Upsert(RegistryContext context, VersionRow row)
    {
        if (context.Versions.AsNoTracking().Any(stored => stored.Version == row.Version)) context.Versions.Update(row);
        else context.Versions.Add(row);
    }
}
