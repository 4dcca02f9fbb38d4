using System.Globalization;

namespace LoraServe.Tests.Clients;

/// <summary>
/// The npm packages of the lock file beside the tests, installed once into the repository's artifacts folder, and scripts that use them.
/// </summary>
internal static class NodePackages
{
    private const int OldestVersion = 20;

    private static readonly string Sources = Repository.File("tests", "LoraServe.Tests", "Clients", "npm");
    private static readonly Lazy<Task<string>> Installed = new(() => NpmInstallation.InstallAsync(Sources, Repository.File("artifacts", "npm")));
    private static readonly Lazy<string?> Missing = new(FindMissing);

    /// <summary>Skips the test that runs where Node.js is missing or too old.</summary>
    public static void SkipWithoutNode()
    {
        if (Missing.Value is { } reason) Assert.Skip(reason);
    }

    /// <summary>Runs a script of the npm folder; skips the test where npm cannot reach its registry.</summary>
    /// <returns>What it printed.</returns>
    public static async Task<string> RunAsync(string script, params string[] arguments)
    {
        var folder = await Installed.Value;
        return await ClientProcess.RunAsync("node", folder, [Path.Combine(folder, script), .. arguments]);
    }

    private static string? FindMissing()
    {
        if (ClientProcess.Version("node") is not { } version || ClientProcess.Version(NpmInstallation.Npm) is null)
            return $"Node.js and npm are not installed; version {OldestVersion} or later runs these clients.";
        return int.Parse(version[1..version.IndexOf('.')], CultureInfo.InvariantCulture) < OldestVersion
            ? $"Node.js {OldestVersion} is needed, found {version}."
            : null;
    }
}
