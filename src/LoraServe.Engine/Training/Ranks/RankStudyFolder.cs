using System.Security.Cryptography;
using System.Text.Json;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>A study's files: running trainings, and results of finished ones, so that none is repeated.</summary>
/// <param name="root">The study's folder; it need not exist.</param>
internal sealed class RankStudyFolder(string root)
{
    private const int NameCharacters = 16;

    /// <summary>A name derived from content: equal for equal content.</summary>
    public static string Name<T>(T content) =>
        Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(content)))[..NameCharacters];

    /// <summary>The folder of a training.</summary>
    public string Training(string name) => Path.Combine(root, "trainings", name);

    /// <summary>The first lines of a data set as a file, which is written if it does not exist.</summary>
    /// <param name="file">JSONL.</param>
    /// <param name="hash">Its content.</param>
    /// <param name="lines">How many, not counting blank ones.</param>
    public string Beginning(string file, string hash, int lines)
    {
        var path = Path.Combine(root, "data", $"{Name(hash)}-{lines}.jsonl");
        if (File.Exists(path)) return path;
        var beginning = File.ReadLines(file).Where(line => !string.IsNullOrWhiteSpace(line)).Take(lines);
        Write(path, temporary => File.WriteAllLines(temporary, beginning));
        return path;
    }

    /// <summary>The value saved under a name, or null.</summary>
    public T? Read<T>(string name) where T : class =>
        File.Exists(Result(name)) ? JsonSerializer.Deserialize<T>(File.ReadAllBytes(Result(name))) : null;

    /// <summary>Saves a value under a name.</summary>
    public void Save<T>(string name, T value) =>
        Write(Result(name), temporary => File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(value)));

    /// <summary>Deletes the folder of a training.</summary>
    public void Delete(string name)
    {
        if (Directory.Exists(Training(name))) Directory.Delete(Training(name), recursive: true);
    }

    private string Result(string name) => Path.Combine(root, "results", $"{name}.json");

    // Atomically: the process may be killed at any time.
    private static void Write(string path, Action<string> write)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var temporary = $"{path}.tmp";
        write(temporary);
        File.Move(temporary, path, overwrite: true);
    }
}
