using System.Reflection;
using System.Text.Json;

namespace LoraServe.Tests;

/// <summary>Where the data lies that the reference implementation computed: in the source tree, since it is too large to copy at each build.</summary>
internal static class GoldenData
{
    private static readonly string Folder =
        typeof(GoldenData).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "GoldenFolder").Value!;

    public static string Path(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Folder, .. parts]);

    public static JsonElement Json(params ReadOnlySpan<string> parts) =>
        JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(Path(parts)));
}
