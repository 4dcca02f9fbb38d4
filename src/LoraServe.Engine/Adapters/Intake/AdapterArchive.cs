using System.Formats.Tar;
using System.IO.Compression;
using LoraServe.Engine.Adapters.Store;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>
/// A zip, tar or tar.gz on disk. It is read twice, first for the plan and then for the files, so that nothing of an archive that is refused
/// for its entries reaches the disk.
/// </summary>
internal sealed class AdapterArchive(FileStream file, AdapterLimits limits, CancellationToken cancellationToken)
{
    private const int UnixKind = 0xF000, UnixFile = 0x8000, UnixFolder = 0x4000;
    private const int ZipHeaderBytes = 128, ZipTrailerBytes = 128 << 10;

    private readonly List<VersionFileEntry> _files = [];
    private readonly long _expandedBytes = limits.ExpandedBytes(file.Length);

    /// <summary>The files that were written and are kept.</summary>
    public IReadOnlyList<VersionFileEntry> Files => _files;

    /// <summary>Writes the adapter's files into an existing empty folder; weights in other formats become empty files.</summary>
    /// <exception cref="InvalidAdapterException">The archive is refused.</exception>
    public void Unpack(string folder)
    {
        try
        {
            Action<string> unpack = Magic() switch
            {
                ['P', 'K', '\x3' or '\x5', ..] => UnpackZip,
                ['\x1f', '\x8b', ..] => UnpackGzip,
                [.., 'u', 's', 't', 'a', 'r'] => destination => UnpackTar(() => file, destination),
                _ => throw new InvalidDataException("it is not a zip, tar or tar.gz"),
            };
            unpack(folder);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or FormatException or ArgumentException
            or NotSupportedException or OverflowException or OutOfMemoryException
            or InvalidOperationException and not ObjectDisposedException)
        {
            throw new InvalidAdapterException(AdapterFault.Malformed, [$"the archive cannot be read: {error.Message}"]);
        }
    }

    // The magic of a tar, "ustar", is at byte 257, at the end of this prefix.
    private char[] Magic()
    {
        Span<byte> prefix = stackalloc byte[262];
        file.Position = 0;
        var read = file.ReadAtLeast(prefix, prefix.Length, throwOnEndOfStream: false);
        file.Position = 0;
        var letters = new char[read];
        for (var i = 0; i < read; i++)
            letters[i] = (char)prefix[i];
        return letters;
    }

    private void UnpackZip(string destination)
    {
        // ZipArchive keeps the whole directory in memory: a directory that cannot be within the limits is cut off while it is read.
        var directoryBytes = (long)limits.MaxEntries * (ZipHeaderBytes + limits.MaxPathLength) + ZipTrailerBytes;
        using var bounded = new BoundedStream(file, directoryBytes, "the directory of the archive", cancellationToken);
        using var zip = new ZipArchive(bounded, ZipArchiveMode.Read, leaveOpen: true);
        var plan = new ArchivePlan(limits);
        foreach (var entry in zip.Entries)
            plan.Add(new(entry.FullName, entry.FullName.EndsWith('/'), FaultOf(entry)));
        var folder = plan.AdapterFolder();

        bounded.Remaining = long.MaxValue;
        var remaining = _expandedBytes;
        foreach (var entry in zip.Entries.Where(entry => !entry.FullName.EndsWith('/')))
        {
            var path = ArchivePath.Parse(entry.FullName, out _);
            if (path.Folder != folder)
                continue;
            using var content = entry.Open();
            if (Write(path.FileName, content, remaining, destination) is not { } written)
                continue;
            remaining -= written.Bytes;
            if (written.Bytes != entry.Length || written.Checksum != entry.Crc32)
                throw new InvalidDataException($"the content of {path.FileName} does not match its length and checksum");
        }
    }

    private static string? FaultOf(ZipArchiveEntry entry) => ((entry.ExternalAttributes >> 16) & UnixKind) switch
    {
        not (0 or UnixFile or UnixFolder) => "is a link or a device",
        _ when entry.IsEncrypted => "is encrypted",
        _ => null,
    };

    private void UnpackGzip(string destination)
    {
        GZipStream? gzip = null;
        try
        {
            UnpackTar(
                () =>
                {
                    gzip?.Dispose();
                    return gzip = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
                },
                destination);
        }
        finally
        {
            gzip?.Dispose();
        }
    }

    private void UnpackTar(Func<Stream> open, string destination)
    {
        var plan = new ArchivePlan(limits);
        foreach (var entry in Entries(open()))
            plan.Add(new(entry.Name, entry.EntryType == TarEntryType.Directory, FaultOf(entry)));
        var folder = plan.AdapterFolder();

        var remaining = _expandedBytes;
        foreach (var entry in Entries(open()).Where(entry => entry.EntryType != TarEntryType.Directory))
        {
            var path = ArchivePath.Parse(entry.Name, out _);
            if (path.Folder == folder)
                remaining -= Write(path.FileName, entry.DataStream ?? Stream.Null, remaining, destination)?.Bytes ?? 0;
        }
    }

    // Skipped entries are unpacked as well, so all of the archive counts against the limit.
    private IEnumerable<TarEntry> Entries(Stream tar)
    {
        file.Position = 0;
        using var bounded = new BoundedStream(tar, _expandedBytes + limits.MaxEntries * 4096L, "the unpacked archive", cancellationToken);
        using var reader = new TarReader(bounded, leaveOpen: true);
        while (reader.GetNextEntry() is { } entry)
        {
            if (entry.EntryType != TarEntryType.GlobalExtendedAttributes)
                yield return entry;
        }
    }

    private static string? FaultOf(TarEntry entry) =>
        entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.Directory
            ? null
            : $"is a {entry.EntryType}; only files and folders are accepted";

    private (long Bytes, uint Checksum)? Write(string fileName, Stream content, long remaining, string destination)
    {
        if (AdapterFiles.IsForeign(fileName))
            File.Create(Path.Combine(destination, fileName)).Dispose();
        if (!AdapterFiles.IsKept(fileName))
            return null;
        using var bounded = new BoundedStream(content, Math.Min(limits.FileBytes(fileName), remaining), fileName, cancellationToken);
        using var written = new UploadedFile(Path.Combine(destination, fileName));
        bounded.CopyTo(written);
        _files.Add(written.Describe());
        return (written.Length, written.Checksum);
    }
}
