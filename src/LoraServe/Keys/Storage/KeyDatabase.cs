using System.Runtime.Versioning;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Keys.Storage;

/// <summary>
/// The database keys.db of a data folder. A change is on the disk when the method returns. Other processes, such as the command line,
/// may change it at the same time. Reads wait for no write, whoever makes it. Safe for concurrent use.
/// </summary>
internal sealed class KeyDatabase : IDisposable
{
    private const string FileName = "keys.db";

    // How long a write waits for one of another process; a request waits with it.
    private const int BusySeconds = 2;

    private readonly string _path;
    private readonly Connection _reading;
    private readonly Connection _writing;

    private KeyDatabase(string path) => (_path, _reading, _writing) = (path, new Connection(path), new Connection(path));

    /// <summary>Opens the database of a data folder; both are made if they are not there.</summary>
    /// <exception cref="IOException">It cannot be used.</exception>
    public static KeyDatabase Open(string folder)
    {
        var path = Path.Combine(folder, FileName);
        var database = new KeyDatabase(path);
        try
        {
            Directory.CreateDirectory(folder);
            database.Prepare();
            return database;
        }
        catch (Exception e)
        {
            database.Dispose();
            if (e is IOException) throw;
            throw new IOException($"The database of keys, {path}, cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Opens the database of a data folder that has one.</summary>
    /// <exception cref="IOException">There is none, or it cannot be used.</exception>
    public static KeyDatabase OpenExisting(string folder) => File.Exists(Path.Combine(folder, FileName))
        ? Open(folder)
        : throw new FileNotFoundException($"'{folder}' holds no keys: name the server's data folder by --data.");

    /// <summary>Reads.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public T Read<T>(Func<KeyContext, T> read) => Use("read", _reading, read);

    /// <summary>Makes one change, whole or not at all, of anything but what keys may do.</summary>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T Write<T>(Func<KeyContext, T> change) => Use("written", _writing, context =>
    {
        using var transaction = context.Database.BeginTransaction();
        var result = change(context);
        context.SaveChanges();
        transaction.Commit();
        return result;
    });

    /// <summary>Makes one change of keys, whole or not at all: <see cref="KeysVersion"/> is another one afterwards.</summary>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T WriteKeys<T>(Func<KeyContext, T> change) => Write(context =>
    {
        var result = change(context);
        _writing.SetVersion(_writing.Version() + 1);
        return result;
    });

    /// <summary>A number that is another one after anybody, such as another process, has changed keys.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public long KeysVersion() => Guard("read", _reading, _reading.Version);

    public void Dispose()
    {
        _reading.Dispose();
        _writing.Dispose();
    }

    private void Prepare()
    {
        Use("opened", _writing, context =>
        {
            // Only hashes are in it, and yet it is nobody else's business. SQLite gives its other files the same rights.
            if (!OperatingSystem.IsWindows()) CreateForOwner(_path);
            _writing.Open();
            // Migrating takes a lock that a process which was killed while it had it leaves behind for ever.
            if (context.Database.GetPendingMigrations().Any()) context.Database.Migrate();
            return true;
        });
        Guard("opened", _reading, () =>
        {
            _reading.Open();
            return true;
        });
    }

    [UnsupportedOSPlatform("windows")]
    private static void CreateForOwner(string path) => new FileStream(path, new FileStreamOptions
    {
        Mode = FileMode.OpenOrCreate,
        Access = FileAccess.Write,
        Share = FileShare.ReadWrite,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    }).Dispose();

    private T Use<T>(string verb, Connection connection, Func<KeyContext, T> use) => Guard(verb, connection, () =>
    {
        using var context = new KeyContext(connection.Options);
        return use(context);
    });

    // Every request asks for the version of keys: that is a matter of the connection alone.
    private T Guard<T>(string verb, Connection connection, Func<T> use)
    {
        lock (connection)
        {
            try
            {
                return use();
            }
            catch (Exception e) when (e is SqliteException or DbUpdateException)
            {
                throw new IOException($"The database of keys, {_path}, cannot be {verb}: {(e.InnerException ?? e).Message}", e);
            }
        }
    }

    private sealed class Connection : IDisposable
    {
        private readonly SqliteConnection _connection;

        public Connection(string path)
        {
            var builder = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = BusySeconds };
            _connection = new SqliteConnection(builder.ConnectionString);
            Options = new DbContextOptionsBuilder<KeyContext>().UseSqlite(_connection).Options;
        }

        public DbContextOptions<KeyContext> Options { get; }

        public void Open()
        {
            _connection.Open();
            // FULL: a commit is on the disk before it is reported, in WAL mode too.
            Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
        }

        // SQLite keeps this number for applications, and changes it with the transaction.
        public long Version() => (long)Execute("PRAGMA user_version")!;

        public void SetVersion(long version) => Execute($"PRAGMA user_version = {version % int.MaxValue}");

        public void Dispose() => _connection.Dispose();

        private object? Execute(string pragma)
        {
            // Within a transaction of the context: the connection has no other one.
            using var command = _connection.CreateCommand();
            command.CommandText = pragma;
            return command.ExecuteScalar();
        }
    }
}
