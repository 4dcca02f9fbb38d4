using System.Runtime.InteropServices;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// Asks Linux to back memory by pages of 2 MiB (madvise, MADV_HUGEPAGE): a merged slot is written once from end to end, and with pages of
/// 4 KiB its page faults take longer than the merge. Only a hint: if it is refused, nothing fails.
/// </summary>
internal static partial class HugePages
{
    private const long PageSize = 2 << 20;
    private const int MadvHugePage = 14;

    /// <summary>Asks for the whole pages within a range that has not been written yet.</summary>
    public static unsafe void Advise(Span<byte> memory)
    {
        if (!OperatingSystem.IsLinux()) return;
        fixed (byte* start = memory)
        {
            var first = ((long)start + PageSize - 1) / PageSize * PageSize;
            var end = ((long)start + memory.Length) / PageSize * PageSize;
            if (end > first) _ = Madvise((void*)first, (nuint)(end - first), MadvHugePage);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int Madvise(void* address, nuint length, int advice);
}
