using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Storage;

/// <summary>
/// Brings the tables of a SQLite database up to date. EF Core marks a running migration by a row, which outlives a killed process, and waits for
/// it forever. Here a file lock, which ends with the process, marks it.
/// </summary>
/// <param name="path">The database.</param>
/// <param name="log">Told of waiting, and of the mark of a killed process.</param>
public sealed partial class SchemaMigration(string path, ILogger log)
{
    private const string EfLock = "__EFMigrationsLock";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for a migration of another process.</summary>
    public TimeSpan Wait { get; init; } = Patience;

    /// <summary>Checks the database and migrates it if needed.</summary>
    /// <exception cref="IOException">A newer release wrote it, it is damaged, or a migration of another process does not end.</exception>
    public void Apply(DatabaseFacade database)
    {
        RefuseNewer(database);
        if (!database.GetPendingMigrations().Any()) return;
        using var holder = DataFolderLock.TryTake($"{path}.migrating", TimeSpan.Zero) ?? WaitForHolder();
        if (!database.GetPendingMigrations().Any()) return;
        if (RemoveLeftLock((SqliteConnection)database.GetDbConnection())) LogTakenOver(path);
        database.Migrate();
    }

    private DataFolderLock WaitForHolder()
    {
        LogWaiting(path, Wait.TotalSeconds);
        return DataFolderLock.TryTake($"{path}.migrating", Wait) ?? throw new IOException(
            $"{path}: another process has been bringing its tables up to date for {Wait.TotalSeconds:0} seconds: wait for it or end it, and start again.");
    }

    private void RefuseNewer(DatabaseFacade database)
    {
        var known = database.GetMigrations().ToHashSet(StringComparer.Ordinal);
        var newer = database.GetAppliedMigrations().Where(migration => !known.Contains(migration)).ToList();
        if (newer.Count == 0) return;
        if (!database.GetAppliedMigrations().Any(known.Contains))
        {
            throw new IOException($"{path} is another database than its name says: its tables have the change {newer[^1]}. Bring the right one back from a "
                + "backup, or give this server another --data.");
        }

        var release = typeof(SchemaMigration).Assembly.GetName().Version?.ToString(3);
        throw new IOException(
            $"{path} was written by a newer LoraServe than this one, {release}: its tables have the change {newer[^1]}, which this one does not know. "
            + "Start the newer one, or give this one another --data.");
    }

    private static bool RemoveLeftLock(SqliteConnection connection)
    {
        var wasClosed = connection.State != System.Data.ConnectionState.Open;
        if (wasClosed) connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT COUNT(*) FROM sqlite_master WHERE name = '{EfLock}'";
        if ((long)command.ExecuteScalar()! == 0) return false;
        command.CommandText = $"DELETE FROM {EfLock}";
        return command.ExecuteNonQuery() > 0;
    }

    [LoggerMessage(LogLevel.Warning, "{Path}: another process brings its tables up to date; waiting for it for at most {Seconds} seconds")]
    private partial void LogWaiting(string path, double seconds);

    [LoggerMessage(LogLevel.Warning, "{Path}: a process that was killed left its lock of a migration, which is taken over")]
    private partial void LogTakenOver(string path);
}
