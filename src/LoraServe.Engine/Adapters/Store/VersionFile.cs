using System.Security.Cryptography;
using System.Text.Json;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Storage;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>
/// The description of a version in its folder: which version it is, what is known of it, and the sizes and hashes of its files. From these the
/// registry can be rebuilt, and a data folder checked without a base.
/// </summary>
internal sealed record VersionFile
{
    /// <summary>Its name in the folder of a version.</summary>
    public const string FileName = "version.json";

    private const int MaxBytes = 16 << 20;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        WriteIndented = true,
    };

    public required string Version { get; init; }

    /// <summary>The name under which it was uploaded.</summary>
    public required string Name { get; init; }

    /// <summary>What is known of it.</summary>
    public required KnownVersion Known { get; init; }

    /// <summary>What was uploaded with it under that name; null if that is not known.</summary>
    public AdapterOrigin? Origin { get; init; }

    /// <summary>The generation of the registry in which it gets its name.</summary>
    public required long Generation { get; init; }

    /// <summary>The files beside it; empty for versions of releases that did not describe files.</summary>
    public IReadOnlyList<VersionFileEntry> Files { get; init; } = [];

    /// <summary>Reads the file of a folder; null if there is none, or it is damaged.</summary>
    public static VersionFile? TryRead(string folder)
    {
        try
        {
            var file = new FileInfo(Path.Combine(folder, FileName));
            if (!file.Exists || file.Length > MaxBytes) return null;
            return JsonSerializer.Deserialize<VersionFile>(File.ReadAllBytes(file.FullName), Json) is { } read && read.Known.Version.Value == read.Version
                ? read
                : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Describes the files of a folder that are kept.</summary>
    /// <param name="folder">Of an upload.</param>
    /// <param name="known">Descriptions of files that need not be read again.</param>
    public static IReadOnlyList<VersionFileEntry> Describe(string folder, IReadOnlyList<VersionFileEntry> known) =>
    [
        .. Directory.GetFiles(folder).Where(path => AdapterFiles.IsKept(Path.GetFileName(path))).Order(StringComparer.Ordinal)
            .Select(path => known.FirstOrDefault(file => file.Name == Path.GetFileName(path)) ?? DescribeFile(path)),
    ];

    /// <summary>Finds the files of a folder that are missing, truncated or changed.</summary>
    public IEnumerable<string> Faults(string folder)
    {
        foreach (var file in Files)
        {
            var path = Path.Combine(folder, Path.GetFileName(file.Name));
            if (!File.Exists(path)) yield return $"{path} is missing";
            else if (new FileInfo(path).Length is var length && length != file.Bytes) yield return $"{path} has {length} bytes, not {file.Bytes}";
            else if (DescribeFile(path) != file) yield return $"{path} was changed: its SHA-256 is another one than when it came";
        }
    }

    /// <summary>The content of the file.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <summary>Writes the file into a folder; a kill leaves the old one or the new one.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(string folder)
    {
        var path = Path.Combine(folder, FileName);
        var temporary = $"{path}.tmp";
        File.WriteAllBytes(temporary, ToBytes());
        DurableDisk.FlushFile(temporary);
        File.Move(temporary, path, overwrite: true);
    }

    private static VersionFileEntry DescribeFile(string path)
    {
        using var file = File.OpenRead(path);
        return new VersionFileEntry(Path.GetFileName(path), file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }
}

/// <summary>A file of a version.</summary>
/// <param name="Name">Without a folder.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">Of the whole file, lower-case hexadecimal.</param>
internal sealed record VersionFileEntry(string Name, long Bytes, string Sha256);
