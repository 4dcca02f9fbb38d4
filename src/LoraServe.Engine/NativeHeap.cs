using System.Runtime.InteropServices;

namespace LoraServe.Engine;

/// <summary>The heap of native code, such as libtorch.</summary>
public static partial class NativeHeap
{
    /// <summary>Gives free pages back to the system where its C library can (glibc); does nothing elsewhere.</summary>
    public static void Trim()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = MallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library, which keeps its own counsel.
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MallocTrim(nuint pad);
}
