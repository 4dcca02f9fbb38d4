using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// The files of an adapter as PEFT reads them, held open: they can be read to the end even if the adapter is deleted meanwhile. One
/// reader at a time.
/// </summary>
public sealed class AdapterExport : IDisposable
{
    private readonly List<(string Name, FileStream Content)> _files = [];
    private readonly IDisposable? _owner;

    private AdapterExport(string name, AdapterVersionId version, IDisposable? owner) => (Name, Version, _owner) = (name, version, owner);

    /// <summary>The name that was requested.</summary>
    public string Name { get; }

    /// <summary>SHA-256 of the adapter's content; for a mix, of the versions and coefficients of its parts.</summary>
    public AdapterVersionId Version { get; }

    /// <summary>The files of a PEFT folder that belong to the adapter; others are left out.</summary>
    /// <param name="folder">A PEFT folder.</param>
    /// <param name="name">The adapter's name.</param>
    /// <param name="version">The adapter's version.</param>
    /// <exception cref="IOException">A file is missing or cannot be opened.</exception>
    public static AdapterExport Open(string folder, string name, AdapterVersionId version) => Open(folder, name, version, owner: null);

    /// <param name="folder">A PEFT folder.</param>
    /// <param name="name">The adapter's name.</param>
    /// <param name="version">The adapter's version.</param>
    /// <param name="owner">Disposed with the export, and at once where the folder cannot be opened.</param>
    internal static AdapterExport Open(string folder, string name, AdapterVersionId version, IDisposable? owner)
    {
        var export = new AdapterExport(name, version, owner);
        try
        {
            // The tensors, which no version is without, come last: once they are open, no template was missed in a folder that was being
            // deleted.
            var templates = AdapterFiles.Templates.Where(file => File.Exists(Path.Combine(folder, file)));
            foreach (var file in (string[])[AdapterFiles.Config, .. templates, AdapterFiles.Tensors])
                export._files.Add((file, Open(Path.Combine(folder, file))));
            return export;
        }
        catch
        {
            export.Dispose();
            throw;
        }
    }

    /// <summary>Writes an archive of the files, the same bytes for the same files.</summary>
    /// <param name="format">The archive's.</param>
    /// <param name="destination">Need not be seekable; written to asynchronously only, and left open.</param>
    /// <param name="cancellationToken">Leaves the archive incomplete.</param>
    public async Task WriteAsync(ArchiveFormat format, Stream destination, CancellationToken cancellationToken)
    {
        foreach (var (_, content) in _files) content.Position = 0;
        await AdapterArchiveWriter.WriteAsync(
            _files.ConvertAll(file => (file.Name, (Stream)file.Content)), format, destination, cancellationToken);
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (var (_, content) in _files) content.Dispose();
        _files.Clear();
        _owner?.Dispose();
    }

    // Others may delete or replace the file while it is read.
    private static FileStream Open(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.Open,
        Access = FileAccess.Read,
        Share = FileShare.ReadWrite | FileShare.Delete,
        Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
    });
}
