using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using LoraServe.Tests;

namespace LoraServe.Benchmarks.Hostile;

/// <summary>
/// A server on the demo model with its own data folder, its log in a file, a key with all permissions, and caches so small that a few
/// requests fill them.
/// </summary>
internal sealed class HostileServer : IDisposable
{
    /// <summary>The key.</summary>
    public const string Key = "ls-the-key-of-hostile-requests-that-may-do-everything";

    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-hostile-").FullName;
    private readonly Process _process;
    private readonly StreamWriter _log;

    private HostileServer(int port)
    {
        Url = new Uri($"http://127.0.0.1:{port}");
        var keyFile = Path.Combine(_folder, "key");
        File.WriteAllText(keyFile, Key);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _log = new StreamWriter(Log) { AutoFlush = true };
        string[] arguments =
        [
            Assembly, "--urls", $"{Url.Scheme}://{Url.Authority}", "--data", Path.Combine(_folder, "data"), "--admin-key-file", keyFile,
            "--kv-cache-memory", "16", "--adapter-cache-bytes", $"{32 << 20}", "--max-upload-size", "16", "--max-training-file-size", "16",
            "--log-format", "json",
        ];
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false },
        };
        _process.OutputDataReceived += Write;
        _process.ErrorDataReceived += Write;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it listens.</summary>
    public Uri Url { get; }

    /// <summary>Its log, one JSON object per line.</summary>
    public string Log => Path.Combine(_folder, "log.json");

    /// <summary>Whether the process has ended, which it must not.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    private static string Assembly => Repository.File("src", "LoraServe", "bin", "Release", "net10.0", "LoraServe.dll");

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <exception cref="BenchmarkException">It does not become ready.</exception>
    public static async Task<HostileServer> StartAsync(int port, CancellationToken cancellation)
    {
        var server = new HostileServer(port == 0 ? FreePort() : port);
        try
        {
            using var client = new HttpClient();
            for (var clock = Stopwatch.StartNew(); !await IsReadyAsync(client, server.Url, cancellation);)
            {
                if (server.HasEnded || clock.Elapsed > StartTime) throw new BenchmarkException($"The server does not start: {await ReadAsync(server.Log, cancellation)}");
                await Task.Delay(100, cancellation);
            }

            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Resident memory of a process in bytes; null if the system does not report it.</summary>
    public static long? ResidentBytes(int process)
    {
        var file = $"/proc/{process}/status";
        if (!File.Exists(file)) return null;
        var line = File.ReadLines(file).FirstOrDefault(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return line is null ? null : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }

    /// <summary>Stops the server and deletes its data.</summary>
    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _log.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Write(object sender, DataReceivedEventArgs line)
    {
        lock (_log)
            if (line.Data is not null) _log.WriteLine(line.Data);
    }

    private static async Task<bool> IsReadyAsync(HttpClient client, Uri url, CancellationToken cancellation)
    {
        try
        {
            using var response = await client.GetAsync(new Uri(url, "/readyz"), cancellation);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task<string> ReadAsync(string file, CancellationToken cancellation)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(cancellation);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
