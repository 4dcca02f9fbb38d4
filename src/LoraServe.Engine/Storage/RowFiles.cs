using System.Text.Json;

namespace LoraServe.Engine.Storage;

/// <summary>
/// A folder of rows of a database, one JSON file each. Safe for concurrent use as long as one row is not written twice at the same time.
/// </summary>
/// <param name="folder">Created by <see cref="Replace"/>.</param>
/// <param name="keyOf">Names the file of a row, without the extension.</param>
/// <param name="json">How rows are written.</param>
public sealed class RowFiles<TRow>(string folder, Func<TRow, string> keyOf, JsonSerializerOptions json)
    where TRow : class
{
    private const string Extension = ".json";
    private const string TemporaryExtension = ".json.tmp";

    /// <summary>Larger files are not read.</summary>
    public int MaxBytes { get; init; } = 16 << 20;

    /// <summary>Whether a file's name without its extension can be the key of a row; other files are left alone.</summary>
    public Func<string, bool> IsKey { get; init; } = static _ => true;

    /// <summary>Whether a row that was read makes sense.</summary>
    public Func<TRow, bool> IsValid { get; init; } = static _ => true;

    /// <summary>Whether the folder exists.</summary>
    public bool Exist => Directory.Exists(folder);

    /// <summary>Whether it holds any rows.</summary>
    public bool HasAny => Exist && Directory.EnumerateFiles(folder, $"*{Extension}").Any();

    /// <summary>Writes a row in place of the one with the same key; a kill leaves the old one or the new one.</summary>
    /// <exception cref="IOException">The old one is there.</exception>
    public void Write(TRow row)
    {
        OwnerOnly.CreateFolder(folder);
        var (path, temporary) = (PathOf(keyOf(row), Extension), PathOf(keyOf(row), TemporaryExtension));
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(row, json));
        DurableDisk.FlushFile(temporary);
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Deletes the files of these keys, if they exist.</summary>
    public void Delete(params IReadOnlyCollection<string> keys)
    {
        if (!Exist) return;
        foreach (var key in keys) File.Delete(PathOf(key, Extension));
        // After a power cut, a file that came back would show the database as an older one.
        DurableDisk.FlushFolder(folder);
    }

    /// <summary>The file of a row with none of these keys, or null.</summary>
    public string? FindOther(IReadOnlySet<string> keys) => Exist ? Files(Extension).FirstOrDefault(path => !keys.Contains(KeyOf(path, Extension))) : null;

    /// <summary>Writes all rows, and moves the files of others into the trash: they may be the only copies.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="trash">Takes the others.</param>
    /// <param name="reason">Why these are no part of the data.</param>
    /// <exception cref="IOException">Not all are written or moved.</exception>
    public void Replace(IReadOnlyCollection<TRow> rows, Trash trash, string reason)
    {
        OwnerOnly.CreateFolder(folder);
        foreach (var row in rows) Write(row);
        var known = rows.Select(keyOf).ToHashSet(StringComparer.Ordinal);
        foreach (var path in Files(Extension).Where(path => !known.Contains(KeyOf(path, Extension)))) trash.Take(path, reason);
        // What a kill left half written.
        foreach (var path in Files(TemporaryExtension)) File.Delete(path);
        DurableDisk.FlushFolder(folder);
    }

    /// <summary>The rows that can be read, and the files that cannot.</summary>
    public (IReadOnlyList<TRow> Rows, IReadOnlyList<string> Unreadable) Read()
    {
        if (!Exist) return ([], []);
        var (rows, unreadable) = (new List<TRow>(), new List<string>());
        foreach (var path in Directory.GetFiles(folder, $"*{Extension}").Order(StringComparer.Ordinal))
        {
            if (TryRead(path) is { } row) rows.Add(row);
            else unreadable.Add(path);
        }

        return (rows, unreadable);
    }

    private TRow? TryRead(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxBytes) return null;
            var row = JsonSerializer.Deserialize<TRow>(File.ReadAllBytes(path), json);
            return row is not null && PathOf(keyOf(row), Extension) == path && IsValid(row) ? row : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private List<string> Files(string extension) => [.. Directory.EnumerateFiles(folder, $"*{extension}").Where(path => IsKey(KeyOf(path, extension)))];

    private static string KeyOf(string path, string extension) => Path.GetFileName(path)[..^extension.Length];

    private string PathOf(string key, string extension) => Path.Combine(folder, $"{key}{extension}");
}
