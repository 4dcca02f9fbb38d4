using System.ComponentModel;
using System.Diagnostics;

namespace LoraServe.Tests.Clients;

/// <summary>Programs of this machine that tests run.</summary>
internal static class ClientProcess
{
    /// <summary>Runs a program that must succeed.</summary>
    /// <returns>What it printed.</returns>
    public static async Task<string> RunAsync(string program, string folder, IEnumerable<string> arguments)
    {
        using var process = Start(program, folder, arguments);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(LoraServeServer.Patience);
        process.ExitCode.ShouldBe(0, $"{program} {string.Join(' ', process.StartInfo.ArgumentList)}: {await errors}{await output}");
        return await output;
    }

    /// <summary>Starts a program whose output and errors are read.</summary>
    public static Process Start(string program, string folder, IEnumerable<string> arguments) => Process.Start(
        new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    /// <summary>The first line of what the program says of its version; null if it is not installed.</summary>
    public static string? Version(string program)
    {
        try
        {
            using var process = Start(program, Path.GetTempPath(), ["--version"]);
            return process.StandardOutput.ReadToEnd().Split('\n')[0].Trim();
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
