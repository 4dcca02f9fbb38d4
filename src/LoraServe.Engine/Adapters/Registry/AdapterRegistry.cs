using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Engine.Adapters.Registry;

/// <summary>
/// Names, versions and what is known of them, in a SQLite database. Each change is one transaction that is on the disk when the method
/// returns: a kill at any moment leaves the state before it or after it. Safe for concurrent use.
/// </summary>
internal sealed class AdapterRegistry : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
    };

    private readonly SqliteConnection _connection;
    private readonly DbContextOptions<RegistryContext> _options;
    private readonly string _path;
    private readonly Lock _lock = new();

    private AdapterRegistry(string path)
    {
        _path = path;
        var builder = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, ForeignKeys = true };
        _connection = new SqliteConnection(builder.ConnectionString);
        _options = new DbContextOptionsBuilder<RegistryContext>().UseSqlite(_connection).Options;
    }

    /// <summary>Opens the database, made if it is not there and brought to the newest schema.</summary>
    /// <exception cref="IOException">It cannot be used.</exception>
    public static AdapterRegistry Open(string path)
    {
        var registry = new AdapterRegistry(path);
        try
        {
            registry.Prepare();
            return registry;
        }
        catch
        {
            registry.Dispose();
            throw;
        }
    }

    /// <summary>Everything that is stored.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public RegistryContent Read() => Use("read", context => new RegistryContent(
        [.. context.Aliases.AsNoTracking().Include(row => row.History).Include(row => row.Parts).AsSplitQuery().AsEnumerable().Select(ToAlias)],
        [.. context.Versions.AsNoTracking().AsEnumerable().Select(ToVersion).OfType<KnownVersion>()],
        context.Folders.AsNoTracking().ToDictionary(row => row.Path, StringComparer.Ordinal)));

    /// <summary>Stores a name, whole, and versions that are new or have changed.</summary>
    /// <exception cref="IOException">Nothing was stored.</exception>
    public void Save(AdapterAlias? alias, params IReadOnlyList<KnownVersion> versions) => Write(context =>
    {
        foreach (var version in versions.Select(ToRow)) Upsert(context, version);
        if (alias is null) return;
        // The files of the folder decide what such a name points at; a stored adapter of the same name keeps its history.
        if (alias.Folder is not null && context.Aliases.Find(alias.Name) is { } stored)
        {
            (stored.Mode, stored.Weight, stored.Pinned) = (alias.Mode, alias.Weight, alias.Pinned);
            return;
        }

        context.Aliases.Where(row => row.Name == alias.Name).ExecuteDelete();
        context.Aliases.Add(ToRow(alias));
    });

    /// <summary>Removes a name, and versions that nothing points at any more.</summary>
    /// <exception cref="IOException">Nothing was removed.</exception>
    public void Remove(string name, IReadOnlyCollection<string> versions) => Write(context =>
    {
        context.Aliases.Where(row => row.Name == name).ExecuteDelete();
        context.Versions.Where(row => versions.Contains(row.Version)).ExecuteDelete();
    });

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
        foreach (var version in versions.Select(ToRow)) Upsert(context, version);
        context.Folders.AddRange(folders);
        context.SaveChanges();
        context.Database.ExecuteSql(
            $"DELETE FROM Versions WHERE Version NOT IN (SELECT Version FROM History UNION SELECT Version FROM Folders)");
    });

    /// <summary>Closes the database.</summary>
    public void Dispose() => _connection.Dispose();

    /// <summary>An origin as rows hold it.</summary>
    public static string Serialize(AdapterOrigin origin) => JsonSerializer.Serialize(origin, Json);

    /// <summary>The origin that a row holds; null where it holds none that can be read.</summary>
    public static AdapterOrigin? ToOrigin(string? json)
    {
        try
        {
            return json is null ? null : JsonSerializer.Deserialize<AdapterOrigin>(json, Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Prepare() => Use("opened", context =>
    {
        _connection.Open();
        using (var pragma = _connection.CreateCommand())
        {
            // FULL: a commit is on the disk before it is reported, in WAL mode too.
            pragma.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
            pragma.ExecuteNonQuery();
        }

        // Migrating takes a lock that a process which was killed while it had it leaves behind for ever.
        if (context.Database.GetPendingMigrations().Any()) context.Database.Migrate();
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

    private static AdapterAlias ToAlias(AliasRow row) => new()
    {
        Name = row.Name,
        Created = row.Created,
        Mode = row.Mode,
        Weight = row.Weight,
        Pinned = row.Pinned,
        LastUse = row.LastUse,
        Current = row.Version,
        History =
        [
            .. row.History.OrderByDescending(entry => entry.Position).Select(entry => 
                new AliasVersion(entry.Version, entry.Since, entry.Share) { Origin = ToOrigin(entry.Origin) }),
        ],
        Parts = [.. row.Parts.OrderBy(part => part.Position).Select(part => new AdapterPart(part.Part, part.Weight))],
    };

    private static AliasRow ToRow(AdapterAlias alias) => new()
    {
        Name = alias.Name,
        Created = alias.Created,
        Mode = alias.Mode,
        Weight = alias.Weight,
        Pinned = alias.Pinned,
        LastUse = alias.LastUse,
        Version = alias.Folder is null ? alias.Current : null,
        History =
        [
            .. (alias.Folder is null ? alias.History : []).Select((entry, i) => new HistoryRow
            {
                Name = alias.Name,
                Version = entry.Version,
                Position = alias.History.Count - i,
                Since = entry.Since,
                Share = entry.Share,
                Origin = entry.Origin is { } origin ? Serialize(origin) : null,
            }),
        ],
        Parts =
        [
            .. alias.Parts.Select((part, i) =>
                new MixPartRow { Name = alias.Name, Position = i, Part = part.Name, Weight = part.Weight }),
        ],
    };

    // What another release of the server wrote may not be readable; the files tell it again.
    private static KnownVersion? ToVersion(VersionRow row)
    {
        try
        {
            return new KnownVersion
            {
                Description = JsonSerializer.Deserialize<AdapterInfo>(row.Description, Json)!,
                CheckedAgainst = row.CheckedAgainst,
                Created = row.Created,
                Provenance = row.Provenance,
                Broken = row.Broken,
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static VersionRow ToRow(KnownVersion version) => new()
    {
        Version = version.Version,
        CheckedAgainst = version.CheckedAgainst,
        Description = JsonSerializer.Serialize(version.Description, Json),
        Created = version.Created,
        Provenance = version.Provenance,
        Broken = version.Broken,
    };
}
