namespace LoraServe.Engine.Storage;

/// <summary>A copy of a database and of what lies beside it, on which a start can be tried without changing anything.</summary>
public sealed class DatabaseCopy : IDisposable
{
    private readonly string _original;

    /// <param name="databasePath">The database; it and its log need not exist, and nobody writes to them.</param>
    /// <param name="others">Names of files beside it that matter too.</param>
    /// <exception cref="IOException">They cannot be copied.</exception>
    public DatabaseCopy(string databasePath, params IReadOnlyList<string> others)
    {
        _original = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(databasePath))!;
        Folder = Directory.CreateTempSubdirectory("loraserve-").FullName;
        var name = System.IO.Path.GetFileName(databasePath);
        Path = System.IO.Path.Combine(Folder, name);
        try
        {
            foreach (var file in (string[])[name, $"{name}-wal", System.IO.Path.ChangeExtension(name, ".generation"), .. others])
            {
                var source = System.IO.Path.Combine(_original, file);
                if (File.Exists(source)) File.Copy(source, System.IO.Path.Combine(Folder, file));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Of the copies.</summary>
    public string Folder { get; }

    /// <summary>The copied database.</summary>
    public string Path { get; }

    /// <summary>Makes a folder look like that of the original to a start, which looks at names only.</summary>
    /// <param name="name">Path from the database's folder.</param>
    /// <param name="isEntry">Which of its entries count.</param>
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

    /// <summary>A message about the copy as one about the original.</summary>
    public string Explain(string message) => message.Replace(Folder, _original, StringComparison.Ordinal);

    /// <summary>Deletes the copies.</summary>
    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
