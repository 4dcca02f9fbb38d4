namespace LoraServe.Engine.Storage;

/// <summary>A file that one process holds locked. The system releases it however the process ends.</summary>
public sealed class DataFolderLock : IDisposable
{
    // EWOULDBLOCK of Linux and of macOS: on Unix, .NET reports errno where Windows has its own codes.
    private const int WouldBlock = 11;
    private const int WouldBlockOnMac = 35;
    private const int SharingViolation = unchecked((int)0x80070020);
    private const int LockViolation = unchecked((int)0x80070021);

    private readonly FileStream _file;

    private DataFolderLock(FileStream file) => _file = file;

    /// <summary>Locks the file, which is created if it is not there.</summary>
    /// <param name="path">In a folder that exists.</param>
    /// <param name="patience">How long to wait for a process that is about to end.</param>
    /// <exception cref="IOException">Another process holds it, or it cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It belongs to another user.</exception>
    public static DataFolderLock Take(string path, TimeSpan patience = default) => TryTake(path, patience) ?? throw Held(path);

    /// <summary>Locks an existing file without writing to it, so that it may be on a read-only file system.</summary>
    /// <exception cref="IOException">Another process holds it, or it cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It belongs to another user.</exception>
    public static DataFolderLock TakeExisting(string path)
    {
        try
        {
            return new DataFolderLock(new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.None }));
        }
        catch (IOException e) when (IsHeld(e))
        {
            throw Held(path);
        }
    }

    /// <summary>Locks the file as soon as no process holds it.</summary>
    /// <param name="path">In a folder that exists.</param>
    /// <param name="patience">Longest wait.</param>
    /// <returns>Null if it is still held.</returns>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It belongs to another user.</exception>
    public static DataFolderLock? TryTake(string path, TimeSpan patience)
    {
        var end = DateTime.UtcNow + patience;
        while (true)
        {
            try
            {
                return new DataFolderLock(Open(path));
            }
            catch (IOException e) when (IsHeld(e))
            {
                if (DateTime.UtcNow >= end) return null;
                Thread.Sleep(50);
            }
        }
    }

    /// <summary>Releases the file.</summary>
    public void Dispose() => _file.Dispose();

    private static IOException Held(string path) =>
        new($"{path}: another LoraServe uses this folder: give each its own --data, or stop the other one.");

    private static bool IsHeld(IOException exception) => OperatingSystem.IsWindows()
        ? exception.HResult is SharingViolation or LockViolation
        : exception.HResult == (OperatingSystem.IsMacOS() ? WouldBlockOnMac : WouldBlock);

    private static FileStream Open(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, options);
    }
}
