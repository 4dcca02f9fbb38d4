using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace LoraServe.Metrics;

/// <summary>The process and its resources, under Prometheus' usual names.</summary>
internal static class ProcessMetrics
{
    private static readonly double Start = new DateTimeOffset(Process.GetCurrentProcess().StartTime).ToUnixTimeMilliseconds() / 1000.0;

    public static void Create(Meter meter)
    {
        KeyValuePair<string, object?>[] build =
        [
            new("version", Version),
            new("runtime", RuntimeInformation.FrameworkDescription),
        ];
        meter.CreateObservableGauge("loraserve.build_info", () => new Measurement<int>(1, build), null, "The version that runs.");
        meter.CreateObservableGauge("process.start_time", () => Start, "s", "When the process started, in seconds since 1970.");
        meter.CreateObservableGauge("process.resident_memory", () => Environment.WorkingSet, "By", "Memory of the process.");
        meter.CreateObservableCounter(
            "process.cpu", () => Environment.CpuUsage.TotalTime.TotalSeconds, "s", "Time that the process had of processors.");
    }

    /// <summary>The server's version.</summary>
    // The commit follows the plus sign.
    public static string Version =>
        typeof(ProcessMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}
