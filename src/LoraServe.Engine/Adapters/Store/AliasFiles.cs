using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using LoraServe.Engine.Storage;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>A copy of each name of a registry as a file of its own, from which the registry can be built again.</summary>
/// <param name="folder">Made when it is first needed.</param>
internal sealed class AliasFiles(string folder)
{
    private const string Extension = ".json";
    private const int MaxBytes = 16 << 20;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Whether there is a folder of them.</summary>
    public bool Exist => Directory.Exists(folder);

    /// <summary>Writes a name in the place of what it was.</summary>
    /// <exception cref="IOException">What it was is there.</exception>
    public void Write(AliasRow row)
    {
        OwnerOnly.CreateFolder(folder);
        var (path, temporary) = (PathOf(row.Name), $"{PathOf(row.Name)}.tmp");
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(row, Json));
        DurableDisk.FlushFile(temporary);
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Deletes the file of a name, if there is one.</summary>
    public void Delete(string name)
    {
        if (!Exist) return;
        File.Delete(PathOf(name));
        // A power cut must not bring it back: it would tell that the registry is an older one.
        DurableDisk.FlushFolder(folder);
    }

    /// <summary>A file of a name that is none of these, or null.</summary>
    public string? FindOther(IReadOnlyCollection<string> names)
    {
        var known = names.Select(PathOf).ToHashSet(StringComparer.Ordinal);
        return Directory.EnumerateFiles(folder, $"*{Extension}").FirstOrDefault(path => IsOurs(path) && !known.Contains(path));
    }

    /// <summary>Writes all names, and moves the files of all others into the trash: they may be the only copies.</summary>
    /// <exception cref="IOException">Not all are written or moved.</exception>
    public void Replace(IReadOnlyList<AliasRow> rows, Trash trash)
    {
        OwnerOnly.CreateFolder(folder);
        foreach (var row in rows) Write(row);
        var known = rows.Select(row => PathOf(row.Name)).ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.GetFiles(folder).Where(path => !known.Contains(path) && IsOurs(path)))
        {
            if (path.EndsWith(Extension, StringComparison.Ordinal)) trash.Take(path, "the registry of adapters does not know this name");
            else File.Delete(path);
        }

        DurableDisk.FlushFolder(folder);
    }

    /// <summary>The names whose files can be read, and the files that cannot.</summary>
    public (IReadOnlyList<AliasRow> Rows, IReadOnlyList<string> Unreadable) Read()
    {
        if (!Exist) return ([], []);
        var (rows, unreadable) = (new List<AliasRow>(), new List<string>());
        foreach (var path in Directory.GetFiles(folder, $"*{Extension}").Order(StringComparer.Ordinal))
        {
            if (TryRead(path) is { } row) rows.Add(row);
            else unreadable.Add(path);
        }

        return (rows, unreadable);
    }

    private AliasRow? TryRead(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxBytes) return null;
            var row = JsonSerializer.Deserialize<AliasRow>(File.ReadAllBytes(path), Json);
            return row is not null && PathOf(row.Name) == path && row.History.TrueForAll(entry => entry.Name == row.Name && AdapterStore.IsVersion(entry.Version))
                && row.Parts.TrueForAll(part => part.Name == row.Name)
                ? row
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Names that differ only in case are two, also where files are not.
    private string PathOf(string name) =>
        Path.Combine(folder, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..32]}{Extension}");

    private static bool IsOurs(string path)
    {
        var name = Path.GetFileName(path);
        name = name.EndsWith(".tmp", StringComparison.Ordinal) ? name[..^4] : name;
        return name.Length == 32 + Extension.Length && name.EndsWith(Extension, StringComparison.Ordinal) && name[..32].All(char.IsAsciiHexDigitLower);
    }
}
