using System.Reflection;
using System.Runtime.InteropServices;
using LoraServe.Engine.Generation;

namespace LoraServe.Reports;

/// <summary>How a report was made, so that it can be reproduced.</summary>
internal sealed record ReportOrigin
{
    /// <summary>The command, or the request.</summary>
    public required string Command { get; init; }

    /// <summary>The base and the dtype of its weights.</summary>
    public required string Model { get; init; }

    /// <summary>SHA-256 of the base's weights.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Processor, cores, system.</summary>
    public required string Machine { get; init; }

    /// <summary>Of this program.</summary>
    public required string Version { get; init; }

    /// <summary>When the report was written.</summary>
    public required DateTimeOffset Time { get; init; }

    public static ReportOrigin Of(ModelInfo model, string command) => new()
    {
        Command = command,
        Model = $"{model.Name}, {model.Parameters:N0} weights in {model.Dtype}",
        Fingerprint = model.Fingerprint,
        Machine = $"{Processor()}, {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}",
        Version = typeof(ReportOrigin).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "",
        Time = TimeProvider.System.GetUtcNow(),
    };

    private static string Processor()
    {
        const string file = "/proc/cpuinfo";
        var line = File.Exists(file)
            ? File.ReadLines(file).FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
