using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Store;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>A sub-folder of the folder of adapters given at start.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="Stamp">Sizes and times of its files; while unchanged, they are not hashed again.</param>
/// <param name="Created">When the folder was changed last.</param>
/// <param name="Version">The version that it holds; null until known.</param>
internal sealed record FolderAdapter(string Path, string Stamp, DateTimeOffset Created, KnownVersion? Version)
{
    /// <summary>What its files say beside the content; null until known.</summary>
    public AdapterOrigin? Origin { get; init; }

    /// <summary>The folder's own name.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>Looks at a folder without opening its files.</summary>
    public static FolderAdapter At(string path) => new(
        path,
        string.Join(' ', Stamps(path)),
        new DateTimeOffset(Directory.GetLastWriteTimeUtc(path)),
        Version: null);

    private static IEnumerable<string> Stamps(string path) =>
        ((string[])[AdapterFiles.Config, AdapterFiles.Tensors]).Select(name => new FileInfo(System.IO.Path.Combine(path, name)))
            .Select(file => file.Exists ? StampOf(file) : "none")
            .Concat(AdapterFiles.Templates.Select(name => new FileInfo(System.IO.Path.Combine(path, name)))
                .Where(file => file.Exists).Select(file => $"{file.Name} {StampOf(file)}"));

    private static string StampOf(FileInfo file) => $"{file.Length}@{file.LastWriteTimeUtc.Ticks}";
}
