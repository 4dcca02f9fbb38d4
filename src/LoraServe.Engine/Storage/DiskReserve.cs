namespace LoraServe.Engine.Storage;

/// <summary>
/// A file of a data folder that only keeps room. Deleting needs room for the log of a database, and must work on a full disk.
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

    /// <summary>Takes the room, if the disk has it. Waits for a deletion that is running, which may need it.</summary>
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
                // No room now; the next deletion frees some.
            }
        }
    }

    /// <summary>Makes a change that frees room. On a full disk, the change itself gets the room of the file.</summary>
    /// <exception cref="IOException">The change needs more room than that, or the disk is broken.</exception>
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
