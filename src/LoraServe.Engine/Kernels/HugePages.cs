using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// Asks Linux to back memory by pages of 2 MiB (madvise, MADV_HUGEPAGE): weights are read from end to end at every step, and a merged slot is
/// written as fast as memory takes it; with pages of 4 KiB the processor loses time looking them up, and page faults take longer than a merge. Only a hint: if it is refused, nothing fails.
/// </summary>
internal static partial class HugePages
{
    private const long PageSize = 2 << 20;
    private const int MadvHugePage = 14;

    /// <summary>Asks for the whole pages within a contiguous tensor that has not been written yet; does nothing where it is not on the CPU.</summary>
    public static unsafe void Advise(Tensor memory)
    {
        if (!OperatingSystem.IsLinux() || memory.device_type != DeviceType.CPU || memory.numel() == 0) return;
        var start = (long)TensorAddress.Of(memory);
        var first = (start + PageSize - 1) / PageSize * PageSize;
        var end = (start + (memory.numel() * memory.element_size())) / PageSize * PageSize;
        if (end > first) _ = Madvise((void*)first, (nuint)(end - first), MadvHugePage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int Madvise(void* address, nuint length, int advice);
}
