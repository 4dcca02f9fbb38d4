using LoraServe.Engine.Storage;
using LoraServe.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Keys.Storage;

/// <summary>The database keys.db of a data folder; the command line may change it while a server runs.</summary>
internal sealed class KeyDatabase : Database<KeyContext>
{
    private const string FileName = "keys.db";

    private const string Advice = "Bring it (with keys.db-wal, if there is one) back from a backup, or move it away and make a new key with "
        + "`keys create --name admin --scopes admin` and the same --data: every older key is then refused.";

    private readonly DiskReserve _reserve;

    private KeyDatabase(string folder, DiskReserve reserve)
        : base(Path.Combine(folder, FileName), "database of keys", Advice, options => new KeyContext(options)) =>
        (Marker, _reserve) = (new KeyMarker(folder), reserve);

    /// <summary>Remembers outside the database that there were keys.</summary>
    public KeyMarker Marker { get; }

    /// <summary>Opens the database of a data folder; both are created if they are not there.</summary>
    /// <exception cref="IOException">It cannot be used.</exception>
    public static KeyDatabase Open(string folder) => Open(folder, new DiskReserve(folder), NullLogger.Instance);

    /// <summary>The same for a server, whose reserve it shares. The log is told what a killed process left.</summary>
    /// <exception cref="IOException">It cannot be used.</exception>
    public static KeyDatabase Open(DataFolder folder, ILogger log) => Open(folder.Path, folder.Reserve, log);

    private static KeyDatabase Open(string folder, DiskReserve reserve, ILogger log)
    {
        var database = new KeyDatabase(folder, reserve);
        database.Open(log, CheckNotDamaged, static _ => { });
        return database;
    }

    /// <summary>Opens the database of a data folder that has one.</summary>
    /// <exception cref="IOException">There is none, or it cannot be used.</exception>
    public static KeyDatabase OpenExisting(string folder) => File.Exists(Path.Combine(folder, FileName))
        ? Open(folder)
        : throw new FileNotFoundException($"'{folder}' holds no keys: name the server's data folder by --data.");

    /// <summary>Changes keys in one transaction, and <see cref="KeysVersion"/> with them.</summary>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T WriteKeys<T>(Func<KeyContext, T> change) => Write(context =>
    {
        var result = change(context);
        RaiseVersion(Sqlite(context));
        return result;
    });

    /// <summary>The same, also on a full disk: a key must not stay valid for lack of space.</summary>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T WriteKeysOnFullDisk<T>(Func<KeyContext, T> change) => _reserve.Delete(() => WriteKeys(change));

    /// <summary>A number that changes whenever any process changes keys.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public long KeysVersion() => ReadSqlite(ReadVersion);

    private static void CheckNotDamaged(SqliteConnection connection)
    {
        if (DatabaseDamage.Find(connection, connection.DataSource) is { } damage) throw new InvalidDatabaseException($"{damage} {Advice}");
    }

    // SQLite's user_version belongs to applications, and changes with the transaction.
    private static long ReadVersion(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA user_version";
        return (long)command.ExecuteScalar()!;
    }

    private static void RaiseVersion(SqliteConnection connection)
    {
        var next = (ReadVersion(connection) + 1) % int.MaxValue;
        using var command = connection.CreateCommand();
        command.CommandText = $"PRAGMA user_version = {next}";
        command.ExecuteNonQuery();
    }
}
