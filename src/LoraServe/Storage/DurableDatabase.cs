using System.Runtime.Versioning;
using LoraServe.Engine.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Storage;

/// <summary>
/// A SQLite database of a data folder. A change is on the disk when the method returns. Other processes may change it at the same time.
/// Reads wait for no write, whoever makes it. Safe for concurrent use.
/// </summary>
/// <param name="path">The file, in a folder that exists.</param>
/// <param name="content">What it holds, for people: keys.</param>
/// <param name="create">Makes a context on a connection.</param>
internal abstract class DurableDatabase<TContext>(string path, string content, Func<DbContextOptions<TContext>, TContext> create)
    : IDisposable
    where TContext : DbContext
{
    // How long a write waits for one of another process; a request waits with it.
    private const int BusySeconds = 2;

    private readonly Connection _reading = new(path);
    private readonly Connection _writing = new(path);

    /// <summary>Reads.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public T Read<T>(Func<TContext, T> read) => Use("read", _reading, read);

    /// <summary>Makes one change, whole or not at all.</summary>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T Write<T>(Func<TContext, T> change) => Use("written", _writing, context =>
    {
        using var transaction = context.Database.BeginTransaction();
        var result = change(context);
        context.SaveChanges();
        transaction.Commit();
        return result;
    });

    public void Dispose()
    {
        _reading.Dispose();
        _writing.Dispose();
    }

    /// <summary>Opens the file, which is made if it is not there, and brings its tables up to date.</summary>
    /// <param name="log">Told of what a killed process left.</param>
    /// <exception cref="InvalidDatabaseException">It is damaged, or not the one that its files belong to.</exception>
    /// <exception cref="IOException">It cannot be used.</exception>
    protected void Prepare(ILogger log)
    {
        try
        {
            OwnerOnly.CreateFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
            Use("opened", _writing, context =>
            {
                // What is in it is nobody else's business. SQLite gives its other files the same rights.
                if (!OperatingSystem.IsWindows()) CreateForOwner(path);
                _writing.Open(Check);
                new SchemaMigration(path, log).Apply(context.Database);
                Complete(context, _writing.Sqlite);
                return true;
            });
            Guard("opened", _reading, () =>
            {
                _reading.Open(static _ => { });
                return true;
            });
        }
        catch (Exception e)
        {
            Dispose();
            if (DatabaseDamage.IsCauseOf(e)) throw new InvalidDatabaseException($"{path}, the database of {content}, is damaged: {e.GetBaseException().Message} {Advice}", e);
            if (e is IOException) throw;
            throw new IOException($"The database of {content}, {path}, cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>How to go on where the file is damaged.</summary>
    protected virtual string Advice => "Bring it back from a backup, or give this server another --data.";

    /// <summary>Looks at the file before anything is changed in it.</summary>
    /// <param name="connection">Open.</param>
    /// <exception cref="IOException">It is not to be used.</exception>
    protected virtual void Check(SqliteConnection connection)
    {
    }

    /// <summary>What is to be done with a database whose tables are up to date, before anybody uses it.</summary>
    /// <param name="context">Of the connection, without a transaction.</param>
    /// <param name="connection">The one that writes.</param>
    protected virtual void Complete(TContext context, SqliteConnection connection)
    {
    }

    /// <summary>Uses the connection that writes, between two changes.</summary>
    protected void UseWriting(Action<TContext, SqliteConnection> use) => Use("read", _writing, context =>
    {
        use(context, _writing.Sqlite);
        return true;
    });

    /// <summary>The connection that writes, for use within a change.</summary>
    protected SqliteConnection Writing => _writing.Sqlite;

    /// <summary>A number that SQLite keeps for applications.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    protected long ReadNumber() => Guard("read", _reading, _reading.Number);

    /// <summary>Makes the number another one, within a change.</summary>
    protected void RaiseNumber() => _writing.SetNumber(_writing.Number() + 1);

    [UnsupportedOSPlatform("windows")]
    private static void CreateForOwner(string path) => new FileStream(path, new FileStreamOptions
    {
        Mode = FileMode.OpenOrCreate,
        Access = FileAccess.Write,
        Share = FileShare.ReadWrite,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    }).Dispose();

    private T Use<T>(string verb, Connection connection, Func<TContext, T> use) => Guard(verb, connection, () =>
    {
        using var context = create(connection.Options);
        return use(context);
    });

    // What needs no context, such as the number, is a matter of the connection alone.
    private T Guard<T>(string verb, Connection connection, Func<T> use)
    {
        lock (connection)
        {
            try
            {
                return use();
            }
            // What a cell holds is not of its kind.
            catch (Exception e) when (e is FormatException or InvalidCastException or OverflowException)
            {
                throw new InvalidDatabaseException($"{path}, the database of {content}, is damaged: {e.Message} {Advice}", e);
            }
            catch (Exception e) when (e is SqliteException or DbUpdateException)
            {
                throw new IOException($"The database of {content}, {path}, cannot be {verb}: {(e.InnerException ?? e).Message}", e);
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
            Options = new DbContextOptionsBuilder<TContext>().UseSqlite(_connection).Options;
        }

        public DbContextOptions<TContext> Options { get; }

        public SqliteConnection Sqlite => _connection;

        public void Open(Action<SqliteConnection> check)
        {
            _connection.Open();
            check(_connection);
            // FULL: a commit is on the disk before it is reported, in WAL mode too.
            Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
        }

        // SQLite changes it with the transaction.
        public long Number() => (long)Execute("PRAGMA user_version")!;

        public void SetNumber(long number) => Execute($"PRAGMA user_version = {number % int.MaxValue}");

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
