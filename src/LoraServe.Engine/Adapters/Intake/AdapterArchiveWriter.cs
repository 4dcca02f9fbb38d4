using System.Formats.Tar;
using System.IO.Compression;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>
/// Packs files into an archive as it is sent. Order, times, owners and modes are fixed: the same files make the same bytes.
/// </summary>
internal static class AdapterArchiveWriter
{
    // Weights hardly compress: a fast attempt makes them longer, and a thorough one takes time from running requests.
    private const CompressionLevel OfTar = CompressionLevel.NoCompression;

    // Streaming readers cannot find the end of a stored zip entry.
    private const CompressionLevel OfZip = CompressionLevel.Fastest;

    private const UnixFileMode Mode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    // The earliest time that a zip can express.
    private static readonly DateTimeOffset Time = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes an archive with the files at its top.</summary>
    /// <param name="files">Names, and streams at their beginnings, which stay open.</param>
    /// <param name="format">The archive's.</param>
    /// <param name="destination">Need not be seekable; written to asynchronously only, and left open.</param>
    /// <param name="cancellationToken">Leaves the archive incomplete.</param>
    public static Task WriteAsync(
        IReadOnlyList<(string Name, Stream Content)> files,
        ArchiveFormat format,
        Stream destination,
        CancellationToken cancellationToken) => format == ArchiveFormat.Zip
        ? WriteZipAsync(files, destination, cancellationToken)
        : WriteTarGzAsync(files, destination, cancellationToken);

    private static async Task WriteTarGzAsync(
        IReadOnlyList<(string Name, Stream Content)> files, Stream destination, CancellationToken cancellationToken)
    {
        await using var gzip = new GZipStream(destination, OfTar, leaveOpen: true);
        await using var tar = new TarWriter(gzip, TarEntryFormat.Ustar, leaveOpen: true);
        foreach (var (name, content) in files)
        {
            var entry = new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = content, ModificationTime = Time, Mode = Mode };
            await tar.WriteEntryAsync(entry, cancellationToken);
        }
    }

    private static async Task WriteZipAsync(
        IReadOnlyList<(string Name, Stream Content)> files, Stream destination, CancellationToken cancellationToken)
    {
        var deferred = new DeferredWriteStream(destination);
        await using (var zip = await ZipArchive.CreateAsync(
            deferred, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, cancellationToken))
        {
            foreach (var (name, content) in files)
            {
                var entry = zip.CreateEntry(name, OfZip);
                entry.LastWriteTime = Time;
                entry.ExternalAttributes = (int)Mode << 16;
                await using var target = await entry.OpenAsync(cancellationToken);
                await content.CopyToAsync(target, cancellationToken);
            }
        }

        await deferred.FlushAsync(cancellationToken);
    }
}
