using System.Runtime.Versioning;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Keys.Storage;

/// <summary>
/// The database keys.db of a data folder. A change is on the disk when the method returns. Other processes, such as the command line,
/// may change it at the same time. Safe for concurrent use.
/// </summary>
internal sealed class KeyDatabase : IDisposable
{
    private const string FileName = "keys.db";

    private readonly string _path;
    private readonly SqliteConnection _connection;
    private readonly DbContextOptions<KeyContext> _options;
    private readonly Lock _lock = new();

    private KeyDatabase(string path)
    {
        _path = path;
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ConnectionString);
        _options = new DbContextOptionsBuilder<KeyContext>().UseSqlite(_connection).Options;
    }

    /// <summary>Opens the database of a data folder; both are made if they are not there.</summary>
    /// <exception cref="IOException">It cannot be used.</exception>
    public static KeyDatabase Open(string folder)
    {
        Directory.CreateDirectory(folder);
        var database = new KeyDatabase(Path.Combine(folder, FileName));
        try
        {
            database.Prepare();
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Reads.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public T Read<T>(Func<KeyContext, T> read) => Use("read", read);

    /// <summary>Makes one change, whole or not at all.</summary>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T Write<T>(Func<KeyContext, T> change) => Use("written", context =>
    {
        using var transaction = context.Database.BeginTransaction();
        var result = change(context);
        context.SaveChanges();
        transaction.Commit();
        return result;
    });

    /// <summary>A number that is another one after somebody else, such as another process, has changed the database.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public long ForeignVersion() => Use("read", _ =>
    {
        using var pragma = _connection.CreateCommand();
        pragma.CommandText = "PRAGMA data_version";
        return (long)pragma.ExecuteScalar()!;
    });

    public void Dispose() => _connection.Dispose();

    private void Prepare() => Use("opened", context =>
    {
        // Only hashes are in it, and yet it is nobody else's business. SQLite gives its other files the same rights.
        if (!OperatingSystem.IsWindows()) CreateForOwner(_path);
        _connection.Open();
        using (var pragma = _connection.CreateCommand())
        {
            // FULL: a commit is on the disk before it is reported, in WAL mode too.
            pragma.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
            pragma.ExecuteNonQuery();
        }

        context.Database.Migrate();
        return true;
    });

    [UnsupportedOSPlatform("windows")]
    private static void CreateForOwner(string path) => new FileStream(path, new FileStreamOptions
    {
        Mode = FileMode.OpenOrCreate,
        Access = FileAccess.Write,
        Share = FileShare.ReadWrite,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    }).Dispose();

    private T Use<T>(string verb, Func<KeyContext, T> use)
    {
        lock (_lock)
        {
            try
            {
                using var context = new KeyContext(_options);
                return use(context);
            }
            catch (Exception e) when (e is SqliteException or DbUpdateException)
            {
                throw new IOException($"The database of keys, {_path}, cannot be {verb}: {(e.InnerException ?? e).Message}", e);
            }
        }
    }
}
