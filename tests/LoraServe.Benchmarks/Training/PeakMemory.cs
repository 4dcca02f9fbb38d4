using System.Globalization;

namespace LoraServe.Benchmarks.Training;

/// <summary>Peak resident memory of this process since the last reset, as Linux counts it.</summary>
internal static class PeakMemory
{
    // Resets VmHWM, see proc(5).
    private const string ForgetPeak = "5";

    public static void Forget()
    {
        if (OperatingSystem.IsLinux()) File.WriteAllText("/proc/self/clear_refs", ForgetPeak);
    }

    /// <summary>Bytes; 0 if the system does not report them.</summary>
    public static long Read()
    {
        if (!OperatingSystem.IsLinux()) return 0;
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line["VmHWM:".Length..^"kB".Length], CultureInfo.InvariantCulture) * 1024;
    }
}
