using System.Diagnostics;
using System.Security.Cryptography;

namespace LoraServe.Tests;

/// <summary>The packages of a package-lock.json, installed once into a folder that carries the lock file's hash.</summary>
internal static class NpmInstallation
{
    // What npm reports when the registry cannot be reached.
    private static readonly string[] NetworkCodes =
        ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH", "ERR_SOCKET_TIMEOUT"];

    /// <summary>The program.</summary>
    public static string Npm => OperatingSystem.IsWindows() ? "npm.cmd" : "npm";

    /// <summary>Installs what is not there yet, and copies the scripts that use it.</summary>
    /// <param name="sources">The folder of package.json, package-lock.json and the scripts.</param>
    /// <param name="target">The folder in which the installation gets its own.</param>
    /// <param name="trim">Deletes what nobody needs from the folder of a new installation.</param>
    /// <returns>The installation's folder.</returns>
    /// <exception cref="InvalidOperationException">npm failed. Where it cannot reach its registry, the test is skipped instead.</exception>
    public static async Task<string> InstallAsync(string sources, string target, Action<string>? trim = null)
    {
        string[] manifests = ["package.json", "package-lock.json"];
        var hash = SHA256.HashData([.. manifests.SelectMany(name => File.ReadAllBytes(Path.Combine(sources, name)))]);
        var folder = Path.Combine(target, Convert.ToHexStringLower(hash)[..16]);
        if (!Directory.Exists(folder))
        {
            // It is complete or not there: packages are installed beside it and moved.
            var partial = Directory.CreateDirectory($"{folder}.{Guid.NewGuid():N}").FullName;
            try
            {
                foreach (var name in manifests) File.Copy(Path.Combine(sources, name), Path.Combine(partial, name));
                await RunNpmAsync(partial);
                trim?.Invoke(partial);
                Directory.Move(partial, folder);
            }
            finally
            {
                if (Directory.Exists(partial)) Directory.Delete(partial, recursive: true);
            }
        }

        // Node.js looks for packages from where a script lies.
        foreach (var script in Directory.EnumerateFiles(sources, "*.mjs"))
            File.Copy(script, Path.Combine(folder, Path.GetFileName(script)), overwrite: true);
        return folder;
    }

    /// <summary>Runs a program that must succeed.</summary>
    /// <returns>What it printed.</returns>
    /// <exception cref="InvalidOperationException">It failed; the message has what it printed.</exception>
    public static async Task<string> RunAsync(string program, string folder, IEnumerable<string> arguments)
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
            : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await errors}{await output}");
    }

    private static async Task RunNpmAsync(string folder)
    {
        try
        {
            await RunAsync(Npm, folder, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        }
        catch (InvalidOperationException e) when (NetworkCodes.Any(code => e.Message.Contains(code, StringComparison.Ordinal)))
        {
            Xunit.Assert.Skip(e.Message);
        }
    }
}
