using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Engine.Storage;

/// <summary>One connection to a SQLite database. One caller uses it at a time; others wait for it.</summary>
internal sealed class DatabaseConnection<TContext> : IDisposable
    where TContext : DbContext
{
    // How long a write waits for one of another process. A request waits with it, so it is short.
    private const int BusySeconds = 2;

    private readonly SqliteConnection _connection;
    private readonly DbContextOptions<TContext> _options;
    private readonly DatabaseFaults _faults;
    private readonly Func<DbContextOptions<TContext>, TContext> _create;
    private readonly Lock _lock = new();

    /// <param name="path">The file, which is created on opening.</param>
    /// <param name="faults">Explains what goes wrong.</param>
    /// <param name="create">Makes a context on the connection.</param>
    public DatabaseConnection(string path, DatabaseFaults faults, Func<DbContextOptions<TContext>, TContext> create)
    {
        var builder = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, ForeignKeys = true, DefaultTimeout = BusySeconds };
        _connection = new SqliteConnection(builder.ConnectionString);
        _options = new DbContextOptionsBuilder<TContext>().UseSqlite(_connection).Options;
        (_faults, _create) = (faults, create);
    }

    /// <summary>Opens the file.</summary>
    /// <param name="check">Looks at it before anything is written.</param>
    public void Open(Action<SqliteConnection> check)
    {
        _connection.Open();
        check(_connection);
        using var command = _connection.CreateCommand();
        // FULL: a commit is on the disk before it is reported, in WAL mode too.
        command.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
        command.ExecuteNonQuery();
    }

    /// <summary>Runs something on a context of its own.</summary>
    /// <param name="verb">Read, written or opened, for the message of a fault.</param>
    /// <param name="use">What to run.</param>
    /// <exception cref="IOException">The database cannot be used.</exception>
    public T Use<T>(string verb, Func<TContext, T> use) => UseSqlite(verb, _ =>
    {
        using var context = _create(_options);
        return use(context);
    });

    /// <summary>Runs something that needs no context, which is much cheaper.</summary>
    /// <param name="verb">Read, written or opened, for the message of a fault.</param>
    /// <param name="use">What to run.</param>
    /// <exception cref="IOException">The database cannot be used.</exception>
    public T UseSqlite<T>(string verb, Func<SqliteConnection, T> use)
    {
        lock (_lock) return _faults.Explain(verb, () => use(_connection));
    }

    public void Dispose() => _connection.Dispose();
}
