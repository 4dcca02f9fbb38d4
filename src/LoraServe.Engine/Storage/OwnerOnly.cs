using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace LoraServe.Engine.Storage;

/// <summary>Files and folders with access for their owner only: modes 0600 and 0700. Does nothing on Windows, which has no such modes.</summary>
public static partial class OwnerOnly
{
    private const UnixFileMode Folder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Others = ~Folder;
    private const uint MaskOthers = 0x3F;
    private const int MaxShown = 5;

    /// <summary>Restricts everything that this process creates from now on to its owner.</summary>
    public static void CreateAll()
    {
        if (!OperatingSystem.IsWindows()) _ = SetMask(MaskOthers);
    }

    /// <summary>Creates a folder, or leaves an existing one as it is.</summary>
    /// <returns>Its full path.</returns>
    public static string CreateFolder(string path) =>
        (OperatingSystem.IsWindows() ? Directory.CreateDirectory(path) : Directory.CreateDirectory(path, Folder)).FullName;

    /// <summary>
    /// Restricts a folder and everything in it to its owner. Links are not followed, and entries of other users stay as they are.
    /// </summary>
    public static TightenedFolder Tighten(string folder) => OperatingSystem.IsWindows() || !Directory.Exists(folder)
        ? new(0, [], 0, Reason: null)
        : Tighten(folder, TakeOthersRights);

    /// <summary>How many files and folders others can access.</summary>
    public static int CountOpen(string folder) => OperatingSystem.IsWindows() ? 0 : Tree(new DirectoryInfo(folder)).Count(IsOpen);

    [UnsupportedOSPlatform("windows")]
    private static void TakeOthersRights(FileSystemInfo entry) => entry.UnixFileMode &= ~Others;

    [UnsupportedOSPlatform("windows")]
    internal static TightenedFolder Tighten(string folder, Action<FileSystemInfo> restrict)
    {
        var (count, openCount, reason) = (0, 0, (string?)null);
        var open = new List<string>();
        foreach (var entry in Tree(new DirectoryInfo(folder)).Where(IsOpen))
        {
            try
            {
                restrict(entry);
                count++;
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                // Another process, such as the command that makes keys, deleted it meanwhile.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                openCount++;
                reason ??= e.Message;
                if (open.Count < MaxShown) open.Add(entry.FullName);
            }
        }

        return new(count, open, openCount, reason);
    }

    [UnsupportedOSPlatform("windows")]
    private static bool IsOpen(FileSystemInfo entry) => (entry.UnixFileMode & Others) != UnixFileMode.None && (int)entry.UnixFileMode != -1;

    private static IEnumerable<FileSystemInfo> Tree(DirectoryInfo root)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true };
        return root.EnumerateFileSystemInfos("*", options).Prepend(root);
    }

    [LibraryImport("libc", EntryPoint = "umask")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint SetMask(uint mask);
}
