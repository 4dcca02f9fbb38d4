using System.Diagnostics;
using System.Globalization;

namespace LoraServe.Benchmarks.Peers;

/// <summary>An engine in a process of its own, so that its native libraries and threads do not disturb the other's: it waits on a pipe while that runs.</summary>
internal sealed class PeerProcess : IDisposable
{
    private readonly Process _process;

    /// <param name="side">ours or llama.</param>
    /// <param name="options">What it loads.</param>
    public PeerProcess(string side, PeerOptions options)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(PeerProcess).Assembly.Location);
        foreach (var argument in new[] { "peer", side, options.Model, options.Gguf, options.Adapters, options.Dtype, options.Threads.ToString(CultureInfo.InvariantCulture) })
            start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        Expect("ready");
    }

    /// <summary>Serves cases from standard input in the process itself.</summary>
    public static void Serve(string side, PeerOptions options)
    {
        using IPeer peer = side == "ours" ? new OwnPeer(options) : new LlamaPeer(options);
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
            Console.WriteLine(peer.Run(PeerCase.Parse(line)).ToString("R", CultureInfo.InvariantCulture));
    }

    /// <summary>Tokens a second of a case.</summary>
    public double Measure(PeerCase one)
    {
        _process.StandardInput.WriteLine(one.ToLine());
        var line = _process.StandardOutput.ReadLine() ?? throw new BenchmarkException("An engine has ended: see its error above.");
        return one.Tokens / double.Parse(line, CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Expect(string expected)
    {
        if (_process.StandardOutput.ReadLine() != expected) throw new BenchmarkException("An engine has not started: see its error above.");
    }
}
