using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace LoraServe.Text.Files;

/// <summary>
/// Opens files at paths given by a user. Anything but a regular file is refused before it is opened: opening a pipe blocks until there is a
/// writer, and reading a device may never end.
/// </summary>
public static unsafe partial class RegularFile
{
    // Linux's struct statx, the same on every architecture: the offset of stx_mode and its bits for the file type.
    private const int StatxBytes = 256, ModeOffset = 28, KindMask = 0xF000, RegularKind = 0x8000, FolderKind = 0x4000;
    private const int CurrentFolder = -100, FollowLinks = 0;
    private const uint AskForKind = 1;

    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="IOException">It is not a regular file, or cannot be opened.</exception>
    public static FileStream Open(string path, FileShare share = FileShare.Read, int bufferSize = 4096)
    {
        Check(path);
        return new FileStream(path, FileMode.Open, FileAccess.Read, share, bufferSize);
    }

    /// <summary>All bytes of a file.</summary>
    /// <exception cref="IOException">It is not a regular file, or cannot be read.</exception>
    public static byte[] ReadAllBytes(string path)
    {
        Check(path);
        return File.ReadAllBytes(path);
    }

    /// <summary>Throws if a path is a pipe, a socket or a device. A missing file passes: opening it reports that.</summary>
    /// <exception cref="IOException">The path is a pipe, a socket or a device; the message leaves out its folder.</exception>
    public static void Check(string path)
    {
        if (IsOther(path)) throw new IOException(Fault(Path.GetFileName(path)));
    }

    /// <summary>What is wrong with a file for which <see cref="IsOther"/> is true.</summary>
    /// <param name="name">The file's name, without its folder.</param>
    public static string Fault(string name) => $"{name} is a pipe, a socket or a device; expected a regular file";

    /// <summary>Whether a path, after following links, is a pipe, a socket or a device. Always false outside Linux.</summary>
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
