using System.Diagnostics;
using System.Text;

namespace LoraServe.Tests.Commands;

/// <summary>A command of LoraServe in a pseudo-terminal created by util-linux's script.</summary>
internal sealed class TerminalProcess : IDisposable
{
    private const int Rows = 30;
    private const char Interrupt = '\u0003';

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Task _reading;
    private readonly StringBuilder _output = new();
    private readonly int _columns;

    /// <param name="columns">Width of the terminal.</param>
    /// <param name="arguments">Of the command.</param>
    public TerminalProcess(int columns, params IEnumerable<string> arguments)
    {
        _columns = columns;
        var dotnet = Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet";
        var command = string.Join(' ', arguments.Prepend(typeof(Program).Assembly.Location).Prepend(dotnet).Select(Quote));
        // Background processes of a shell ignore SIGINT, and so do their children.
        var start = new ProcessStartInfo("script", ["-qec", $"stty cols {columns} rows {Rows}; exec env --default-signal=INT {command}", "/dev/null"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        // Variables set on build machines turn drawing off.
        foreach (var name in start.Environment.Keys.Where(name => name is not ("PATH" or "HOME" or "TMPDIR" or "DOTNET_ROOT")).ToList())
            start.Environment.Remove(name);
        start.Environment["TERM"] = "xterm-256color";
        start.Environment["LANG"] = "C.UTF-8";
        _process = Process.Start(start)!;
        _reading = ReadAsync();
    }

    /// <summary>The complete output so far.</summary>
    public string Raw
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>What the terminal shows now.</summary>
    public TerminalScreen Screen
    {
        get
        {
            var screen = new TerminalScreen(_columns, Rows);
            screen.Write(Raw);
            return screen;
        }
    }

    /// <summary>Skips the test if no pseudo-terminal is available.</summary>
    public static void SkipWithoutScript() => Assert.SkipUnless(
        OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, "script"))),
        "A pseudo-terminal needs script of util-linux.");

    /// <summary>Waits until the output contains a text.</summary>
    public async Task WaitForAsync(string text)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!Raw.Contains(text, StringComparison.Ordinal))
        {
            if (_reading.IsCompleted) Raw.ShouldContain(text);
            await Task.Delay(TimeSpan.FromMilliseconds(10), patience.Token);
        }
    }

    /// <summary>Presses Ctrl-C.</summary>
    public async Task InterruptAsync()
    {
        await _process.StandardInput.WriteAsync(Interrupt);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>The exit code of the command, once it has ended.</summary>
    public async Task<int> ExitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        await _reading;
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private static string Quote(string argument) => $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private async Task ReadAsync()
    {
        var buffer = new char[4096];
        while (await _process.StandardOutput.ReadAsync(buffer) is var count and > 0)
        {
            lock (_output) _output.Append(buffer, 0, count);
        }
    }
}
