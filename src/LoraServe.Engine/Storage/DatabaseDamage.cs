using Microsoft.Data.Sqlite;

namespace LoraServe.Engine.Storage;

/// <summary>Distinguishes a damaged database from other faults.</summary>
public static class DatabaseDamage
{
    private const int SqliteCorrupt = 11;
    private const int SqliteNotADatabase = 26;

    /// <summary>Whether an exception says that a file is a damaged database, or no database.</summary>
    public static bool IsCauseOf(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is SqliteException { SqliteErrorCode: SqliteCorrupt or SqliteNotADatabase }) return true;
        }

        return false;
    }

    /// <summary>How a database is damaged; null if it is not. Reads all of it and changes nothing.</summary>
    /// <param name="connection">Open.</param>
    /// <param name="path">Of the database, for the message.</param>
    public static string? Find(SqliteConnection connection, string path)
    {
        try
        {
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA quick_check(1)";
            return command.ExecuteScalar() is "ok" ? null : $"{path} is damaged.";
        }
        catch (SqliteException e) when (IsCauseOf(e))
        {
            return $"{path} is damaged: {e.Message}";
        }
    }
}
