namespace LoraServe.Engine.Storage;

/// <summary>A file that one process holds as long as it lives: the system lets go of it however the process ends.</summary>
public sealed class DataFolderLock : IDisposable
{
    // EWOULDBLOCK, as .NET hands it on where there is no code of Windows: of Linux, and of macOS.
    private const int WouldBlock = 11;
    private const int WouldBlockOnMac = 35;
    private const int SharingViolation = unchecked((int)0x80070020);
    private const int LockViolation = unchecked((int)0x80070021);

    private readonly FileStream _file;

    private DataFolderLock(FileStream file) => _file = file;

    /// <summary>Takes the file, which is made if it is not there.</summary>
    /// <param name="path">In a folder that exists.</param>
    /// <param name="patience">How long a process that is about to end may still hold it.</param>
    /// <exception cref="IOException">Another process holds it, or it cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It is of somebody else.</exception>
    public static DataFolderLock Take(string path, TimeSpan patience = default) => TryTake(path, patience) ?? throw Held(path);

    /// <summary>Takes a file that is there without writing to it, so that it may be of a file system that is mounted read-only.</summary>
    /// <exception cref="IOException">Another process holds it, or it cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It is of somebody else.</exception>
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

    /// <summary>Takes the file as soon as nobody holds it.</summary>
    /// <param name="path">In a folder that exists.</param>
    /// <param name="patience">Longest wait.</param>
    /// <returns>Null if it is still held.</returns>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It is of somebody else.</exception>
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

    /// <summary>Lets another process take it.</summary>
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
