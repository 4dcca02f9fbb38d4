using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>
/// Names, versions and what is known of them, in a SQLite database. Each change is one transaction that is on the disk when the method
/// returns: a kill at any moment leaves the state before it or after it. Copies of the names lie beside it, from which it can be built again.
/// Safe for concurrent use.
/// </summary>
internal sealed partial class AdapterRegistry : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly DbContextOptions<RegistryContext> _options;
    private readonly string _path;
    private readonly DatabaseGeneration _generation;
    private readonly RegistryCopies _copies;
    private readonly DiskReserve _reserve;
    private readonly ILogger _log;
    private readonly Lock _lock = new();

    private AdapterRegistry(string path, Trash trash, ILogger log)
    {
        (_path, _log) = (path, log);
        _generation = new DatabaseGeneration(path);
        _copies = new RegistryCopies(path, _generation, trash);
        _reserve = new DiskReserve(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var builder = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, ForeignKeys = true };
        _connection = new SqliteConnection(builder.ConnectionString);
        _options = new DbContextOptionsBuilder<RegistryContext>().UseSqlite(_connection).Options;
    }

    /// <summary>Opens the database, made if it is not there and brought to the newest schema.</summary>
    /// <param name="path">In a folder that exists.</param>
    /// <param name="trash">Takes copies of names that it does not know.</param>
    /// <param name="log">Told of what a killed process left; null: nobody is.</param>
    /// <exception cref="InvalidDatabaseException">
    /// It is damaged, or is not the one that belongs to the files beside it; the message says how to go on.
    /// </exception>
    /// <exception cref="IOException">It cannot be used.</exception>
    public static AdapterRegistry Open(string path, Trash trash, ILogger? log = null)
    {
        var registry = new AdapterRegistry(path, trash, log ?? NullLogger.Instance);
        try
        {
            registry.Prepare(first: 1, static _ => { }, registry._copies.WhyNotNew);
            return registry;
        }
        catch
        {
            registry.Dispose();
            throw;
        }
    }

    /// <summary>Makes a database that is not there from what was found.</summary>
    /// <param name="path">No file, in a folder that exists.</param>
    /// <param name="first">Where its generation begins.</param>
    /// <param name="aliases">All names; their versions are among those found.</param>
    /// <param name="versions">What is known of each.</param>
    /// <param name="trash">Takes copies of names that are not among them.</param>
    /// <param name="log">Told of faults beside it.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static AdapterRegistry Rebuild(
        string path, long first, IReadOnlyList<AliasRow> aliases, IReadOnlyCollection<KnownVersion> versions, Trash trash, ILogger log)
    {
        var registry = new AdapterRegistry(path, trash, log);
        try
        {
            registry.Prepare(
                first,
                context =>
                {
                    context.Versions.AddRange(versions.Select(RowMapping.ToRow));
                    context.Aliases.AddRange(aliases);
                    context.SaveChanges();
                },
                static _ => null);
            return registry;
        }
        catch
        {
            registry.Dispose();
            throw;
        }
    }

    /// <summary>Grows with every change of what exists.</summary>
    public long Generation
    {
        get { lock (_lock) return _generation.Number; }
    }

    /// <summary>Everything that is stored.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public RegistryContent Read() => Use("read", context => new RegistryContent(
        [.. RegistryCopies.Rows(context).AsEnumerable().Select(RowMapping.ToAlias)],
        [.. context.Versions.AsNoTracking().AsEnumerable().Select(RowMapping.ToVersion).OfType<KnownVersion>()],
        context.Folders.AsNoTracking().ToDictionary(row => row.Path, StringComparer.Ordinal)));

    /// <summary>Stores a name, whole, and versions that are new or have changed.</summary>
    /// <exception cref="IOException">Nothing was stored.</exception>
    public void Save(AdapterAlias? alias, params IReadOnlyList<KnownVersion> versions) => Change(alias?.Name, context =>
    {
        foreach (var version in versions.Select(RowMapping.ToRow)) Upsert(context, version);
        if (alias is null) return;
        // The files of the folder decide what such a name points at; a stored adapter of the same name keeps its history.
        if (alias.Folder is not null && context.Aliases.Find(alias.Name) is { } stored)
        {
            (stored.Mode, stored.Weight, stored.Pinned) = (alias.Mode, alias.Weight, alias.Pinned);
            return;
        }

        context.Aliases.Where(row => row.Name == alias.Name).ExecuteDelete();
        context.Aliases.Add(RowMapping.ToRow(alias));
    });

    /// <summary>Removes a name, and versions that nothing points at any more.</summary>
    /// <exception cref="IOException">Nothing was removed.</exception>
    public void Remove(string name, IReadOnlyCollection<string> versions)
    {
        _reserve.Delete(() => Change(name, context =>
        {
            context.Aliases.Where(row => row.Name == name).ExecuteDelete();
            context.Versions.Where(row => versions.Contains(row.Version)).ExecuteDelete();
        }));
    }

    /// <summary>Takes room on the disk that deleting needs when it is full.</summary>
    public void FillReserve() => _reserve.Fill();

    /// <summary>Stores when names were used last.</summary>
    /// <exception cref="IOException">Nothing was stored.</exception>
    public void SaveUses(IReadOnlyDictionary<string, DateTimeOffset> uses) => Write(context =>
    {
        foreach (var (name, time) in uses)
            context.Aliases.Where(row => row.Name == name).ExecuteUpdate(row => row.SetProperty(alias => alias.LastUse, time));
    });

    /// <summary>Stores what the folders given at start hold, in the place of what was stored of folders before.</summary>
    /// <exception cref="IOException">Nothing was stored.</exception>
    public void SaveFolders(IEnumerable<FolderRow> folders, IEnumerable<KnownVersion> versions) => Write(context =>
    {
        context.Folders.ExecuteDelete();
        foreach (var version in versions.Select(RowMapping.ToRow)) Upsert(context, version);
        context.Folders.AddRange(folders);
        context.SaveChanges();
        context.Database.ExecuteSql(
            $"DELETE FROM Versions WHERE Version NOT IN (SELECT Version FROM History UNION SELECT Version FROM Folders)");
    });

    /// <summary>Closes the database.</summary>
    public void Dispose() => _connection.Dispose();

    private void Prepare(long first, Action<RegistryContext> fill, Func<RegistryContext, string?> whyNotNew)
    {
        Use("opened", context =>
        {
            _generation.CheckExists();
            _connection.Open();
            _generation.Check(_connection);
            context.Database.ExecuteSqlRaw("PRAGMA journal_mode = WAL");
            // FULL: a commit is on the disk before it is reported, in WAL mode too.
            context.Database.ExecuteSqlRaw("PRAGMA synchronous = FULL");
            new SchemaMigration(_path, _log).Apply(context.Database);
            // A kill before its end leaves an empty one, which is refused beside files.
            using (var transaction = context.Database.BeginTransaction())
            {
                fill(context);
                _generation.Open(_connection, first, () => whyNotNew(context));
                _copies.Check(context);
                transaction.Commit();
            }

            _copies.Complete(context, _connection);
            return true;
        });
        _reserve.Fill();
    }

    // Changes what exists: the database first, then what lies beside it.
    private bool Change(string? name, Action<RegistryContext> change) => Use("written", context =>
    {
        var wasBehind = _generation.IsBehind;
        using (var transaction = context.Database.BeginTransaction())
        {
            change(context);
            context.SaveChanges();
            _generation.Raise(_connection);
            transaction.Commit();
        }

        try
        {
            if (wasBehind) _copies.WriteAll(context, _connection);
            else _copies.Write(context, _connection, name);
        }
        // The change is made, whatever fails now: nobody may hear that it is not. The next one writes all copies, or the next start.
        catch (Exception e)
        {
            LogNoCopies(e.Message);
        }

        return true;
    });

    private void Write(Action<RegistryContext> change) => Use("written", context =>
    {
        using var transaction = context.Database.BeginTransaction();
        change(context);
        context.SaveChanges();
        transaction.Commit();
        return true;
    });

    private T Use<T>(string verb, Func<RegistryContext, T> use)
    {
        lock (_lock)
        {
            try
            {
                using var context = new RegistryContext(_options);
                return use(context);
            }
            // What a cell holds is not of its kind.
            catch (Exception e) when (e is FormatException or InvalidCastException or OverflowException)
            {
                throw _generation.Refusal($"{_path} is damaged: {e.Message}");
            }
            catch (Exception e) when (e is SqliteException or DbUpdateException)
            {
                var reason = (e.InnerException ?? e).Message;
                throw new IOException($"The registry of adapters, {_path}, cannot be {verb}: {reason}", e);
            }
        }
    }

    private static void Upsert(RegistryContext context, VersionRow row)
    {
        if (context.Versions.AsNoTracking().Any(stored => stored.Version == row.Version)) context.Versions.Update(row);
        else context.Versions.Add(row);
    }

    [LoggerMessage(LogLevel.Warning, "What the registry of adapters says is not copied beside it, which rebuilding it would need: {Reason}")]
    private partial void LogNoCopies(string reason);
}
