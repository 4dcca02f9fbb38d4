using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// libtorch's threads if they are those of GNU OpenMP (libgomp), as in its Linux packages. Each calling thread gets a team of its own. If all
/// teams together have more threads than processors, their threads sleep after every operation instead of spinning for
/// some milliseconds: on two processors one thread too many makes small operations several times slower.
/// </summary>
internal static unsafe class OpenMp
{
    private static readonly nint Library = Find();

    /// <summary>GOMP_parallel(function, argument, threads, flags), or null without libgomp.</summary>
    public static readonly delegate* unmanaged<delegate* unmanaged<nint, void>, nint, uint, uint, void> Parallel =
        (delegate* unmanaged<delegate* unmanaged<nint, void>, nint, uint, uint, void>)Export(Library, "GOMP_parallel");

    /// <summary>
    /// Reserves the processors for the one thread that will call <see cref="TakeThreads"/>: every other thread computes alone.
    /// </summary>
    public static void LeaveThreads(int count) => set_num_threads(Library == 0 ? count : 1);

    /// <summary>Lets the calling thread compute on this many threads; returns the number.</summary>
    public static int TakeThreads(int count)
    {
        if (Library == 0) return count;
        // On a thread's first call libtorch resets its count to the global one; this call gets that over with.
        _ = get_num_threads();
        ((delegate* unmanaged<int, void>)Export(Library, "omp_set_num_threads"))(count);
        var mkl = Export(NativeLibrary.Load(Path.Combine(NativeLibraries.Folder, "libtorch_cpu.so")), "MKL_Set_Num_Threads_Local");
        if (mkl != 0) _ = ((delegate* unmanaged<int, int>)mkl)(count);
        return count;
    }

    private static nint Export(nint library, string name) => library != 0 && NativeLibrary.TryGetExport(library, name, out var address) ? address : 0;

    private static nint Find()
    {
        var path = OperatingSystem.IsLinux() ? Directory.EnumerateFiles(NativeLibraries.Folder, "libgomp*.so*").FirstOrDefault() : null;
        return path is null ? 0 : NativeLibrary.Load(path);
    }
}
