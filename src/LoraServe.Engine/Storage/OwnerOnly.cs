using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace LoraServe.Engine.Storage;

/// <summary>Rights of files and folders that are nobody's business but their owner's: 0600 and 0700. Windows has none of these.</summary>
public static partial class OwnerOnly
{
    private const UnixFileMode Folder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Others = ~Folder;
    private const uint MaskOthers = 0x3F;

    /// <summary>From now on, whatever this process creates is its owner's only.</summary>
    public static void CreateAll()
    {
        if (!OperatingSystem.IsWindows()) _ = SetMask(MaskOthers);
    }

    /// <summary>Makes a folder, or leaves it as it is.</summary>
    /// <returns>Its full path.</returns>
    public static string CreateFolder(string path) =>
        (OperatingSystem.IsWindows() ? Directory.CreateDirectory(path) : Directory.CreateDirectory(path, Folder)).FullName;

    /// <summary>Takes the rights of everybody else away from a folder and all that is in it. Links are not followed.</summary>
    /// <returns>How many had some.</returns>
    /// <exception cref="UnauthorizedAccessException">One is of somebody else.</exception>
    public static int Tighten(string folder) => OperatingSystem.IsWindows() || !Directory.Exists(folder) ? 0 : TightenTree(new DirectoryInfo(folder));

    /// <summary>How many files and folders have rights for others.</summary>
    public static int CountOpen(string folder) => OperatingSystem.IsWindows() ? 0 : Tree(new DirectoryInfo(folder)).Count(IsOpen);

    [UnsupportedOSPlatform("windows")]
    private static int TightenTree(DirectoryInfo root)
    {
        var found = 0;
        foreach (var entry in Tree(root).Where(IsOpen))
        {
            try
            {
                entry.UnixFileMode &= ~Others;
                found++;
            }
            catch (FileNotFoundException)
            {
                // Another process, such as one that makes keys, took it away meanwhile.
            }
        }

        return found;
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
