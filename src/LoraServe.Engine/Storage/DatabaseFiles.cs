namespace LoraServe.Engine.Storage;

/// <summary>The files of a SQLite database with a generation.</summary>
public static class DatabaseFiles
{
    /// <summary>Those that hold its content: the database, its write-ahead log and its generation. They need not exist.</summary>
    public static IReadOnlyList<string> WithContent(string databasePath) => [databasePath, $"{databasePath}-wal", DatabaseGeneration.LocationOf(databasePath)];

    /// <summary>Moves a database that is not open into the trash.</summary>
    /// <exception cref="IOException">Some of its files stay.</exception>
    public static void Discard(string databasePath, Trash trash, string reason)
    {
        foreach (var file in WithContent(databasePath).Append($"{databasePath}-shm").Where(File.Exists)) trash.Take(file, reason);
    }
}
