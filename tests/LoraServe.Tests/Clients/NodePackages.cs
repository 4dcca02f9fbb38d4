using System.Globalization;
using System.Security.Cryptography;

namespace LoraServe.Tests.Clients;

/// <summary>
/// The npm packages of the lock file beside the tests, installed once into the repository's artifacts folder, and scripts that use them.
/// </summary>
internal static class NodePackages
{
    private const int OldestVersion = 20;

    private static readonly string Sources = Repository.File("tests", "LoraServe.Tests", "Clients", "npm");
    private static readonly Lazy<Task<string>> Installed = new(InstallAsync);
    private static readonly Lazy<string?> Missing = new(FindMissing);

    /// <summary>Skips the test that runs where Node.js is missing or too old.</summary>
    public static void SkipWithoutNode()
    {
        if (Missing.Value is { } reason) Assert.Skip(reason);
    }

    /// <summary>Runs a script of the npm folder.</summary>
    /// <returns>What it printed.</returns>
    public static async Task<string> RunAsync(string script, params string[] arguments)
    {
        var folder = await Installed.Value;
        return await ClientProcess.RunAsync("node", folder, [Path.Combine(folder, script), .. arguments]);
    }

    // The folder is complete or not there: packages are installed beside it and moved.
    private static async Task<string> InstallAsync()
    {
        string[] manifests = ["package.json", "package-lock.json"];
        var hash = SHA256.HashData([.. manifests.SelectMany(name => File.ReadAllBytes(Path.Combine(Sources, name)))]);
        var folder = Repository.File("artifacts", "npm", Convert.ToHexStringLower(hash)[..16]);
        if (!Directory.Exists(folder))
        {
            var partial = Directory.CreateDirectory($"{folder}.{Guid.NewGuid():N}").FullName;
            foreach (var name in manifests) File.Copy(Path.Combine(Sources, name), Path.Combine(partial, name));
            await ClientProcess.RunAsync(Npm, partial, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
            Directory.Move(partial, folder);
        }

        // Node.js looks for packages from where a script lies.
        foreach (var script in Directory.EnumerateFiles(Sources, "*.mjs"))
            File.Copy(script, Path.Combine(folder, Path.GetFileName(script)), overwrite: true);
        return folder;
    }

    private static string Npm => OperatingSystem.IsWindows() ? "npm.cmd" : "npm";

    private static string? FindMissing()
    {
        if (ClientProcess.Version("node") is not { } version || ClientProcess.Version(Npm) is null)
            return $"Node.js and npm are not installed; version {OldestVersion} or later runs these clients.";
        return int.Parse(version[1..version.IndexOf('.')], CultureInfo.InvariantCulture) < OldestVersion
            ? $"Node.js {OldestVersion} is needed, found {version}."
            : null;
    }
}
