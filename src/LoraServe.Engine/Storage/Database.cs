using System.Runtime.Versioning;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Storage;

/// <summary>
/// A SQLite database of a data folder. A change is on the disk when the method returns, and a kill leaves the state before it or after it.
/// Other processes may change the database at the same time. Reads never wait for a write. Safe for concurrent use.
/// </summary>
public abstract class Database<TContext> : IDisposable
    where TContext : DbContext
{
    private readonly string _path;
    private readonly DatabaseFaults _faults;
    private readonly DatabaseConnection<TContext> _reading;
    private readonly DatabaseConnection<TContext> _writing;

    /// <param name="path">The file.</param>
    /// <param name="name">What it is to people: database of keys.</param>
    /// <param name="advice">How to go on where it is damaged, in sentences.</param>
    /// <param name="create">Makes a context on a connection.</param>
    protected Database(string path, string name, string advice, Func<DbContextOptions<TContext>, TContext> create)
    {
        (_path, _faults) = (path, new DatabaseFaults(path, name, advice));
        (_reading, _writing) = (new(path, _faults, create), new(path, _faults, create));
    }

    /// <summary>Reads.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public T Read<T>(Func<TContext, T> read) => _reading.Use("read", read);

    /// <summary>Makes one change, whole or not at all.</summary>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T Write<T>(Func<TContext, T> change) => _writing.Use("written", context =>
    {
        using var transaction = context.Database.BeginTransaction();
        var result = change(context);
        context.SaveChanges();
        transaction.Commit();
        return result;
    });

    /// <summary>Closes the database.</summary>
    public void Dispose()
    {
        _reading.Dispose();
        _writing.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the file, which is created if it is not there, and brings its tables up to date. Closes it again if that fails.</summary>
    /// <param name="log">Told what a killed process left.</param>
    /// <param name="check">Looks at the file before anything is written; throws an <see cref="IOException"/> if it must not be used.</param>
    /// <param name="complete">Runs once the tables are up to date, on the connection that writes and outside a transaction.</param>
    /// <exception cref="InvalidDatabaseException">It is damaged, or not the one that the files beside it belong to.</exception>
    /// <exception cref="IOException">It cannot be used.</exception>
    protected void Open(ILogger log, Action<SqliteConnection> check, Action<TContext> complete)
    {
        try
        {
            OwnerOnly.CreateFolder(Path.GetDirectoryName(Path.GetFullPath(_path))!);
            // SQLite gives the files beside it the same mode.
            if (!OperatingSystem.IsWindows()) CreateForOwner(_path);
            _writing.Use("opened", context =>
            {
                _writing.Open(check);
                new SchemaMigration(_path, log).Apply(context.Database);
                complete(context);
                return true;
            });
            _reading.UseSqlite("opened", _ =>
            {
                _reading.Open(static _ => { });
                return true;
            });
        }
        catch (Exception e)
        {
            Dispose();
            var explained = _faults.ExplainOpening(e);
            if (explained == e) throw;
            throw explained;
        }
    }

    /// <summary>Reads without a context, which is much cheaper.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    protected T ReadSqlite<T>(Func<SqliteConnection, T> read) => _reading.UseSqlite("read", read);

    /// <summary>Runs something on the connection that writes, outside a transaction.</summary>
    /// <exception cref="IOException">The database cannot be used.</exception>
    protected void UseWriting(Action<TContext> use) => _writing.Use("read", context =>
    {
        use(context);
        return true;
    });

    /// <summary>The connection of a context.</summary>
    protected static SqliteConnection Sqlite(TContext context) => (SqliteConnection)context.Database.GetDbConnection();

    [UnsupportedOSPlatform("windows")]
    private static void CreateForOwner(string path) => new FileStream(path, new FileStreamOptions
    {
        Mode = FileMode.OpenOrCreate,
        Access = FileAccess.Write,
        Share = FileShare.ReadWrite,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    }).Dispose();
}
