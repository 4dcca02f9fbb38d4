namespace LoraServe.Engine.Storage;

/// <summary>A copy of a database and of files beside it, on which a start can be tried without changing anything.</summary>
public sealed class DatabaseCopy : IDisposable
{
    private readonly string _original;

    /// <param name="databasePath">The database; it and its log need not exist, and no process writes to them.</param>
    /// <param name="others">Names of further files beside it.</param>
    /// <exception cref="IOException">They cannot be copied.</exception>
    public DatabaseCopy(string databasePath, params IReadOnlyList<string> others)
    {
        _original = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(databasePath))!;
        Folder = Directory.CreateTempSubdirectory("loraserve-").FullName;
        Path = System.IO.Path.Combine(Folder, System.IO.Path.GetFileName(databasePath));
        try
        {
            foreach (var source in DatabaseFiles.WithContent(databasePath).Concat(others.Select(file => System.IO.Path.Combine(_original, file))).Where(File.Exists))
                File.Copy(source, System.IO.Path.Combine(Folder, System.IO.Path.GetFileName(source)));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Holds the copies.</summary>
    public string Folder { get; }

    /// <summary>The copied database.</summary>
    public string Path { get; }

    /// <summary>Imitates a folder of the original by empty files and folders: a start looks only at their names.</summary>
    /// <param name="name">Path from the database's folder.</param>
    /// <param name="isEntry">Whether an entry is imitated.</param>
    public void Stand(string name, Func<string, bool> isEntry)
    {
        var original = System.IO.Path.Combine(_original, name);
        if (!Directory.Exists(original)) return;
        var folder = Directory.CreateDirectory(System.IO.Path.Combine(Folder, name)).FullName;
        foreach (var found in Directory.EnumerateFileSystemEntries(original).Where(isEntry))
        {
            var place = System.IO.Path.Combine(folder, System.IO.Path.GetFileName(found));
            if (Directory.Exists(found)) Directory.CreateDirectory(place);
            else File.WriteAllText(place, "");
        }
    }

    /// <summary>Turns a message about the copy into one about the original.</summary>
    public string Explain(string message) => message.Replace(Folder, _original, StringComparison.Ordinal);

    /// <summary>Deletes the copies.</summary>
    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
