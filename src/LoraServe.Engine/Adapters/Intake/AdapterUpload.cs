using LoraServe.Engine.Adapters.Store;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>
/// An upload being written to a temporary folder: either one archive or the PEFT files one by one. An upload that was refused or
/// cancelled is disposed at once and takes nothing more. Not safe for concurrent use.
/// </summary>
public sealed class AdapterUpload : IDisposable
{
    private readonly AdapterLimits _limits;
    private readonly List<VersionFileEntry> _described = [];
    private long _remaining;
    private int _files;
    private bool _hasArchive;
    private bool _disposed;

    internal AdapterUpload(string parentFolder, AdapterLimits limits)
    {
        _limits = limits;
        _remaining = limits.MaxExpandedBytes;
        Folder = Path.Combine(parentFolder, Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Folder);
    }

    /// <summary>
    /// Holds what was uploaded, flat: the two PEFT files and those of chat templates under their own names, and an empty file for weights of any
    /// other format.
    /// </summary>
    internal string Folder { get; }

    /// <summary>Its files so far, as described on arrival, or else as found in the folder.</summary>
    internal IReadOnlyList<VersionFileEntry> Describe() => VersionFile.Describe(Folder, _described);

    /// <summary>Size of its tensor file so far, in bytes.</summary>
    public long TensorBytes => new FileInfo(Path.Combine(Folder, AdapterFiles.Tensors)) is { Exists: true } file ? file.Length : 0;

    /// <summary>Streams a zip, tar or tar.gz (told apart by content) to disk and unpacks it within the limits.</summary>
    /// <exception cref="InvalidAdapterException">Malformed or too large.</exception>
    public Task ReadArchiveAsync(Stream body, CancellationToken cancellationToken) => OrNothingAsync(async () =>
    {
        if (_hasArchive || _files > 0)
            throw Malformed("an upload is either one archive or the files of one adapter");
        _hasArchive = true;
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.DeleteOnClose,
        };
        await using var file = new FileStream(Folder + ".archive", options);
        await using (var bounded = new BoundedStream(body, _limits.MaxArchiveBytes, "the archive", cancellationToken))
            await bounded.CopyToAsync(file, cancellationToken);
        // Archive readers wait for the disk between small reads; a thread of the pool does that best.
        var archive = new AdapterArchive(file, _limits, cancellationToken);
        await Task.Run(() => archive.Unpack(Folder), cancellationToken);
        _described.AddRange(archive.Files);
    });

    /// <summary>
    /// Streams one file to disk; names other than those of the two PEFT files and of chat templates are ignored or refused as an archive's would
    /// be.
    /// </summary>
    /// <exception cref="InvalidAdapterException">Malformed or too large.</exception>
    public Task ReadFileAsync(string fileName, Stream body, CancellationToken cancellationToken) => OrNothingAsync(async () =>
    {
        if (_hasArchive)
            throw Malformed("an upload is either one archive or the files of one adapter");
        if (++_files > _limits.MaxEntries)
            throw TooLarge($"the upload has more than {_limits.MaxEntries} files, which is the limit");
        if (fileName.Length > _limits.MaxPathLength)
            throw TooLarge($"a file's name has {fileName.Length} characters; the limit is {_limits.MaxPathLength}");
        var path = ArchivePath.Parse(fileName, out var fault);
        if (fault is not null || path.ToString() != fileName || path.Folder != "")
            throw Malformed($"a file's name {fault ?? "is expected without folders"}");

        var destination = Path.Combine(Folder, fileName);
        if (AdapterFiles.IsForeign(fileName))
            await File.Create(destination).DisposeAsync();
        if (!AdapterFiles.IsKept(fileName))
            return;
        if (File.Exists(destination))
            throw Malformed($"{fileName} is in the upload twice");
        await using var bounded =
            new BoundedStream(body, Math.Min(_limits.FileBytes(fileName), _remaining), fileName, cancellationToken);
        await using var file = new UploadedFile(destination);
        await bounded.CopyToAsync(file, cancellationToken);
        _described.Add(file.Describe());
        _remaining -= file.Length;
    });

    /// <summary>Deletes the temporary folder.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Directory.Delete(Folder, recursive: true);
    }

    private async Task OrNothingAsync(Func<Task> read)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        try
        {
            await read();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private static InvalidAdapterException Malformed(string fault) => new(AdapterFault.Malformed, [fault]);

    private static InvalidAdapterException TooLarge(string fault) => new(AdapterFault.TooLarge, [fault]);
}
