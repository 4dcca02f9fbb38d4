using System.Reflection;

namespace LoraServe.Tests;

/// <summary>Where the repository is, for golden data and checked-in documents.</summary>
internal static class Repository
{
    public static string Root { get; } = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(metadata => metadata.Key == "Repository").Value!;

    public static string File(params ReadOnlySpan<string> path) => Path.Combine([Root, .. path]);

    /// <summary>A file or folder of this project's golden data.</summary>
    public static string Golden(params ReadOnlySpan<string> path) => File(["tests", "LoraServe.Tests", "Golden", .. path]);

    /// <summary>A file or folder of the engine's golden data.</summary>
    public static string EngineGolden(params ReadOnlySpan<string> path) => File(["tests", "LoraServe.Engine.Tests", "Golden", .. path]);
}
