using LoraServe.Engine.Storage;

namespace LoraServe.Storage;

/// <summary>
/// The data folder of a server, readable by its owner only and used by one server at a time. What it holds is described where it is
/// made; its root has the file lock, the reserve of a full disk, and the trash.
/// </summary>
internal sealed partial class DataFolder : IDisposable
{
    // Time for a server that was just told to stop.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly DataFolderLock _lock;
    private readonly TimeSpan _trashAge;
    private readonly ILogger _log;

    /// <exception cref="IOException">It cannot be created, or another server uses it.</exception>
    public DataFolder(LoraServeOptions options, TimeProvider time, ILogger<DataFolder> log)
    {
        Path = OwnerOnly.CreateFolder(options.Data);
        _lock = DataFolderLock.Take(System.IO.Path.Combine(Path, "lock"), Patience);
        _log = log;
        _trashAge = TimeSpan.FromDays(options.TrashDays);
        Trash = new Trash(Path, time, log);
        Reserve = new DiskReserve(Path);
        var tightened = OwnerOnly.Tighten(Path);
        if (tightened.Count > 0) LogTightened(tightened.Count, Path);
        if (tightened.Reason is { } reason) LogNotTightened(tightened.OpenCount, Path, string.Join(", ", tightened.Open), reason);
        Reserve.Fill();
    }

    /// <summary>The absolute path.</summary>
    public string Path { get; }

    /// <summary>Receives files that no database knows.</summary>
    public Trash Trash { get; }

    /// <summary>Space for deleting on a full disk.</summary>
    public DiskReserve Reserve { get; }

    /// <summary>Deletes what has been in the trash for as long as the options say, and takes its reserve of disk space again.</summary>
    public void Tidy()
    {
        Trash.Empty(_trashAge);
        Reserve.Fill();
    }

    /// <summary>Lets another server use it.</summary>
    public void Dispose() => _lock.Dispose();

    [LoggerMessage(LogLevel.Warning, "{Count} files and folders of {Path} could be read or changed by others; they are their owner's only now")]
    private partial void LogTightened(int count, string path);

    [LoggerMessage(LogLevel.Warning, "{Count} files and folders of {Path} can still be read or changed by others, such as {Open}: {Reason}")]
    private partial void LogNotTightened(int count, string path, string open, string reason);
}
