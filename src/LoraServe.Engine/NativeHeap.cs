using System.Runtime.InteropServices;

namespace LoraServe.Engine;

/// <summary>The heap of native code, such as libtorch.</summary>
public static partial class NativeHeap
{
    /// <summary>Returns free pages to the operating system if the C library is glibc; does nothing elsewhere.</summary>
    public static void Trim()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = MallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library, without malloc_trim.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MallocTrim(nuint pad);
}
