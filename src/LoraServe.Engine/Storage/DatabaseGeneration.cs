using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;

namespace LoraServe.Engine.Storage;

/// <summary>
/// Tells whether a database is the one that its files belong to, by an identity and a number that grows with every change of what exists. Both
/// are in the database and in a small file beside it. The database is changed first: after a kill it may be ahead of the file, never behind. A
/// database that is behind, has another identity or has none is an older copy, was emptied, lost its WAL, or belongs to another folder.
/// Not safe for concurrent use.
/// </summary>
/// <param name="databasePath">The file beside it has the same name and the extension .generation.</param>
public sealed partial class DatabaseGeneration(string databasePath)
{
    private const string Table = "DataGeneration";

    private readonly string _name = Path.GetFileName(databasePath);

    /// <summary>The database.</summary>
    public string DatabasePath => databasePath;

    /// <summary>The file beside it.</summary>
    public string Location { get; } = LocationOf(databasePath);

    /// <summary>The number in the database, when it was last read.</summary>
    public long Number { get; private set; }

    /// <summary>Whether the database was changed, but perhaps not yet the files beside it.</summary>
    public bool IsBehind { get; private set; }

    /// <summary>How to go on where the database cannot be used, in sentences.</summary>
    public string Advice { get; } =
        $"Nothing was changed. Either bring {databasePath} (with {Path.GetFileName(databasePath)}-wal, if there is one) and "
        + $"{Path.GetFileName(LocationOf(databasePath))} back from the same backup as the files beside them, or start once with --rebuild-registry, "
        + "which builds the index from the files.";

    private string Identity { get; set; } = "";

    /// <summary>The file beside a database.</summary>
    public static string LocationOf(string databasePath) => Path.ChangeExtension(databasePath, ".generation");

    /// <summary>Throws if the database is missing although there was one.</summary>
    /// <exception cref="InvalidDatabaseException">It is missing; the message says how to go on.</exception>
    public void CheckExists()
    {
        if (!File.Exists(databasePath) && ReadFile() is { Number: > 0 }) throw Refusal($"{databasePath} is missing.");
    }

    /// <summary>Throws if the database is damaged or not the one of its files. Changes nothing.</summary>
    /// <param name="connection">Open.</param>
    /// <exception cref="InvalidDatabaseException">The message says how to go on.</exception>
    public void Check(SqliteConnection connection)
    {
        if (Fault(connection) is { } fault) throw Refusal(fault);
    }

    // What is wrong with the database, or null.
    private string? Fault(SqliteConnection connection)
    {
        if (DatabaseDamage.Find(connection, databasePath) is { } damage) return damage;
        return Disagreement(ReadFile(), ReadRow(connection));
    }

    /// <summary>Reads the generation of a database, or gives it one if it has none yet.</summary>
    /// <param name="connection">Of a database that was checked, with its tables.</param>
    /// <param name="first">Number of a new generation.</param>
    /// <param name="whyNotNew">Why a database without a generation is neither new nor of an earlier release; null if it may be.</param>
    /// <exception cref="InvalidDatabaseException">It is neither; the message says how to go on.</exception>
    public void Open(SqliteConnection connection, long first, Func<string?> whyNotNew)
    {
        var (beside, inside) = (ReadFile(), ReadRow(connection));
        if (inside is { } known)
        {
            (Identity, Number) = known;
            IsBehind = beside?.Number != Number;
            return;
        }

        if (whyNotNew() is { } fault) throw Refusal(fault);
        // A kill in between leaves number 0 beside a database that has none.
        Identity = beside?.Identity ?? Guid.NewGuid().ToString("N");
        WriteFile(0);
        Execute(connection, $"CREATE TABLE IF NOT EXISTS {Table} (Id INTEGER PRIMARY KEY CHECK (Id = 1), Identity TEXT NOT NULL, Number INTEGER NOT NULL)");
        Execute(connection, $"INSERT INTO {Table} VALUES (1, '{Identity}', {first})");
        (Number, IsBehind) = (first, true);
    }

    /// <summary>The number in the file beside the database; 0 if there is none that can be read.</summary>
    public long NumberBeside()
    {
        try
        {
            return ReadFile()?.Number ?? 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    /// <summary>Raises the number, within the transaction of a change.</summary>
    public void Raise(SqliteConnection connection)
    {
        IsBehind = true;
        Execute(connection, $"UPDATE {Table} SET Number = Number + 1");
    }

    /// <summary>Writes the number beside the database, once the change and all files beside the database are written.</summary>
    /// <exception cref="IOException">The disk is broken.</exception>
    public void Commit(SqliteConnection connection)
    {
        Number = ReadRow(connection)?.Number ?? Number;
        WriteFile(Number);
        IsBehind = false;
    }

    /// <summary>Says what is wrong and how to go on.</summary>
    public InvalidDatabaseException Refusal(string reason) => new($"{reason} {Advice}");

    private string? Disagreement((string Identity, long Number)? beside, (string Identity, long Number)? inside) => (beside, inside) switch
    {
        (null, null) => null,
        ({ Number: 0 }, null) => null,
        (null, _) => $"{Location} is missing, which tells whether {_name} is the latest one.",
        (_, null) => $"{databasePath} is not the database that its files belong to: it was emptied, lost, or is of an earlier release.",
        var (file, row) when file.Value.Identity != row.Value.Identity => $"{databasePath} belongs to another data folder.",
        var (file, row) when row.Value.Number < file.Value.Number =>
            $"{databasePath} is older than its files: it has seen {row.Value.Number} changes of {file.Value.Number}.",
        _ => null,
    };

    private (string Identity, long Number)? ReadFile()
    {
        if (!File.Exists(Location)) return null;
        using var file = new FileStream(Location, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[Line("", 0).Length + 64];
        var text = Encoding.ASCII.GetString(bytes, 0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        return LinePattern().IsMatch(text) && text.Split(' ') is [.., var identity, var number]
            ? (identity, long.Parse(number, NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture))
            : throw Refusal($"{Location} is damaged, which tells whether {_name} is the latest one.");
    }

    // Its length never changes: it needs no room on a full disk, and a kill leaves no half of it.
    private void WriteFile(long number)
    {
        using var file = new FileStream(Location, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        file.Write(Encoding.ASCII.GetBytes(Line(Identity, number)));
    }

    private static string Line(string identity, long number) =>
        string.Create(CultureInfo.InvariantCulture, $"LoraServe data {identity} {number:D18}\n");

    private static (string Identity, long Number)? ReadRow(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '{Table}'";
        if ((long)command.ExecuteScalar()! == 0) return null;
        command.CommandText = $"SELECT Identity, Number FROM {Table}";
        using var reader = command.ExecuteReader();
        return reader.Read() ? (reader.GetString(0), reader.GetInt64(1)) : null;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    [GeneratedRegex(@"\ALoraServe data [0-9a-f]{32} [0-9]{18}\n\z", RegexOptions.NonBacktracking)]
    private static partial Regex LinePattern();
}
