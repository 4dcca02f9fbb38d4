using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LoraServe.Engine.Storage;

/// <summary>
/// Flushes files and folders to the disk. A rename survives a power cut only once its folder is flushed, and .NET cannot open a folder to flush
/// it.
/// </summary>
public static partial class DurableDisk
{
    private const int ReadOnly = 0;

    /// <summary>Flushes the content of a file.</summary>
    public static void FlushFile(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(file);
    }

    /// <summary>
    /// Flushes the entries of a folder, after files were created in it, moved into it or deleted from it. Windows needs no such call.
    /// </summary>
    public static void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        var descriptor = Open(path, ReadOnly);
        if (descriptor < 0)
            throw Failure(path);
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (Fsync(handle) != 0)
            throw Failure(path);
    }

    private static IOException Failure(string path) =>
        new($"Cannot flush the folder {path} to disk: {Marshal.GetLastPInvokeErrorMessage()}", Marshal.GetLastPInvokeError());

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Fsync(SafeFileHandle file);
}
