namespace LoraServe.Engine.Storage;

/// <summary>
/// A file of a data folder that holds nothing but room: deleting needs some too, for the log of a database, and must work on a full disk.
/// Safe for concurrent use.
/// </summary>
/// <param name="dataFolder">Exists.</param>
public sealed class DiskReserve(string dataFolder)
{
    /// <summary>Its name.</summary>
    public const string FileName = "reserve";

    private const long Bytes = 4 << 20;

    private readonly string _path = Path.Combine(dataFolder, FileName);
    private readonly Lock _lock = new();

    /// <summary>Takes the room, if there is so much. Waits for a deletion that is under way, which may need it.</summary>
    public void Fill()
    {
        lock (_lock)
        {
            try
            {
                if (new FileInfo(_path) is { Exists: true, Length: Bytes }) return;
                File.Delete(_path);
                var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, PreallocationSize = Bytes };
                if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                using var file = new FileStream(_path, options);
                file.SetLength(Bytes);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // There is no room now; the next deletion makes some.
            }
        }
    }

    /// <summary>Makes a change that frees room; where there is none for the change itself, it gets that of the file.</summary>
    /// <exception cref="IOException">The disk is fuller than that, or broken.</exception>
    public T Delete<T>(Func<T> change)
    {
        lock (_lock)
        {
            try
            {
                return change();
            }
            catch (IOException e) when (InsufficientStorage.IsCauseOf(e) && File.Exists(_path))
            {
                File.Delete(_path);
                return change();
            }
        }
    }
}
