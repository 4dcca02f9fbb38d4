namespace LoraServe.Engine.Storage;

/// <summary>A file that one process holds as long as it lives: the system lets go of it however the process ends.</summary>
public sealed class DataFolderLock : IDisposable
{
    private readonly FileStream _file;

    private DataFolderLock(FileStream file) => _file = file;

    /// <summary>Takes the file, which is made if it is not there.</summary>
    /// <param name="path">In a folder that exists.</param>
    /// <param name="patience">How long a process that is about to end may still hold it.</param>
    /// <exception cref="IOException">Another process holds it.</exception>
    public static DataFolderLock Take(string path, TimeSpan patience = default) => TryTake(path, patience)
        ?? throw new IOException($"{path}: another LoraServe uses this folder: give each its own --data, or stop the other one.");

    /// <summary>Takes the file as soon as nobody holds it.</summary>
    /// <param name="path">In a folder that exists.</param>
    /// <param name="patience">Longest wait.</param>
    /// <returns>Null if it is still held.</returns>
    public static DataFolderLock? TryTake(string path, TimeSpan patience)
    {
        var end = DateTime.UtcNow + patience;
        while (true)
        {
            try
            {
                return new DataFolderLock(Open(path));
            }
            catch (IOException e) when (!InsufficientStorage.IsCauseOf(e) && DateTime.UtcNow < end)
            {
                Thread.Sleep(50);
            }
            catch (IOException e) when (!InsufficientStorage.IsCauseOf(e))
            {
                return null;
            }
        }
    }

    /// <summary>Lets another process take it.</summary>
    public void Dispose() => _file.Dispose();

    private static FileStream Open(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, options);
    }
}
