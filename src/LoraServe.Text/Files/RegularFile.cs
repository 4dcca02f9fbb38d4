using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace LoraServe.Text.Files;

/// <summary>
/// Opens files that a person named. What is no regular file is refused before it is opened: opening a pipe blocks until something writes to
/// it, and a device may never end.
/// </summary>
public static unsafe partial class RegularFile
{
    // Of Linux's struct statx, which is the same on every processor: stx_mode, and its bits that tell the kind.
    private const int StatxBytes = 256, ModeOffset = 28, KindMask = 0xF000, RegularKind = 0x8000, FolderKind = 0x4000;
    private const int CurrentFolder = -100, FollowLinks = 0;
    private const uint AskForKind = 1;

    /// <summary>Opens a file to be read.</summary>
    /// <exception cref="IOException">It is no regular file, or cannot be opened.</exception>
    public static FileStream Open(string path, FileShare share = FileShare.Read, int bufferSize = 4096)
    {
        Check(path);
        return new FileStream(path, FileMode.Open, FileAccess.Read, share, bufferSize);
    }

    /// <summary>All bytes of a file.</summary>
    /// <exception cref="IOException">It is no regular file, or cannot be read.</exception>
    public static byte[] ReadAllBytes(string path)
    {
        Check(path);
        return File.ReadAllBytes(path);
    }

    /// <summary>Throws if a path is anything but a file; a missing file is reported when it is opened.</summary>
    /// <exception cref="IOException">Without the folder in its message.</exception>
    public static void Check(string path)
    {
        if (IsOther(path)) throw new IOException(Fault(Path.GetFileName(path)));
    }

    /// <summary>What is wrong with a file for which <see cref="IsOther"/> is true.</summary>
    /// <param name="name">The file's, without its folder.</param>
    public static string Fault(string name) => $"{name} is a pipe, a socket or a device; expected a regular file";

    /// <summary>Whether a path, its links followed, leads to a pipe, a socket or a device. Detected on Linux only.</summary>
    public static bool IsOther(string path)
    {
        if (!OperatingSystem.IsLinux()) return false;
        var buffer = stackalloc byte[StatxBytes];
        if (Statx(CurrentFolder, path, FollowLinks, AskForKind, buffer) != 0) return false;
        var kind = BinaryPrimitives.ReadUInt16LittleEndian(new ReadOnlySpan<byte>(buffer + ModeOffset, sizeof(ushort))) & KindMask;
        return kind is not (RegularKind or FolderKind);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int folder, string path, int flags, uint mask, byte* buffer);
}
