using System.CommandLine;
using System.Diagnostics;
using LoraServe.Tests;
using LoraServe.Tests.Hosting;
using Spectre.Console;

namespace LoraServe.Benchmarks.Hostile;

/// <summary>The command line of the trial with hostile requests.</summary>
internal static class HostileCommand
{
    private const int WarmUp = 1000;
    private const double MostGrowth = 1.1;
    private static readonly TimeSpan Warming = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Settling = TimeSpan.FromMinutes(6);

    public static Command Create()
    {
        var count = BoundedOption.Create("--count", "Number of requests.", 20_000, 1, 1_000_000);
        var seed = BoundedOption.Create("--seed", "Decides the requests.", 1, 0, int.MaxValue);
        var concurrency = BoundedOption.Create("--concurrency", "Requests that are open at the same time.", 2, 1, 256);
        var slowest = BoundedOption.Create(
            "--slowest", "Most milliseconds that an answer may take; allow more where other work shares the machine.", 5000, 1, 600_000);
        var timeLimit = BoundedOption.Create("--time-limit", "Seconds after which no further request is sent.", 3600, 1, 86_400);
        var only = BoundedOption.Create("--only", "Sends the request of this number alone; -1 sends all.", -1, -1, int.MaxValue);
        var port = BoundedOption.Create("--port", "Port of the server that is started; 0 is any that is free.", 0, 0, 65_535);
        var url = UrlOption.Create(
            "A server that runs already, without a key, instead of one on the demo model. Its log and memory are not looked at.");
        var failures = new Option<string>("--failures")
        {
            Description = "Folder for the requests that broke a rule.",
            DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "loraserve-hostile-failures"),
        };
        var command = new Command(
            "hostile",
            "Sends generated requests over all routes, wrong in every way that there is and up to 15 MB, and checks that no answer is a 5xx, no error is "
            + "above 64 KB, none takes too long, that the memory is back afterwards, and that the log quotes none of them. The exit code is 1 otherwise.")
        {
            count, seed, concurrency, slowest, timeLimit, only, port, url, failures,
        };
        command.SetAction((result, cancellation) => RunAsync(
            new HostileOptions(
                result.GetValue(count),
                result.GetValue(concurrency),
                TimeSpan.FromMilliseconds(result.GetValue(slowest)),
                TimeSpan.FromSeconds(result.GetValue(timeLimit)),
                result.GetValue(failures)!),
            result.GetValue(seed),
            result.GetValue(only),
            result.GetValue(port),
            result.GetValue(url),
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(HostileOptions options, int seed, int only, int port, Uri? url, CancellationToken cancellation)
    {
        using var server = url is null ? await HostileServer.StartAsync(port, cancellation) : null;
        var requests = new HostileRequests(
            DocumentedOperation.Read(),
            Repository.File("src", "LoraServe", "Demo", "adapters", "sql"),
            seed,
            server is null ? "" : $"Authorization: Bearer {HostileServer.Key}\r\n");
        var trial = new HostileTrial(options, requests, new HostileClient(server?.Url ?? url!), () => server?.HasEnded == true);
        var clock = Stopwatch.StartNew();
        long? before = null;
        if (only >= 0)
        {
            await trial.RunAsync(only, 1, cancellation);
        }
        else
        {
            // Compiled code, caches and pools reach their full size after some requests of every kind.
            var warm = Math.Min(WarmUp, options.Count / 5);
            await trial.RunAsync(0, warm, cancellation);
            before = await SettledAsync(server, target: null, cancellation);
            await trial.RunAsync(warm, options.Count - warm, cancellation);
        }

        var elapsed = clock.Elapsed;
        var after = await SettledAsync(server, (long?)(before * MostGrowth), cancellation);
        if (after > before * MostGrowth) trial.Break($"the server has {Show(after)} of memory, and had {Show(before)} before");
        var log = server is null ? [] : ReadLog(server.Log);
        if (trial.Violations.Count > 0 && server is not null)
        {
            Directory.CreateDirectory(options.Failures);
            await File.WriteAllLinesAsync(Path.Combine(options.Failures, "log.json"), log, cancellation);
        }

        foreach (var line in log.Where(line => line.Contains(HostileValues.Marker, StringComparison.Ordinal)).Take(5))
            trial.Break($"the log quotes a request: {line[..Math.Min(line.Length, 300)]}");
        Print(trial, trial.Slowest(HostileTrial.ReadTimes(log)), requests);
        AnsiConsole.WriteLine($"{trial.Counts.Values.Sum()} requests in {elapsed.TotalSeconds:F0} s; memory {Show(before)} before, {Show(after)} after.");
        foreach (var violation in trial.Violations.Take(100)) AnsiConsole.WriteLine(violation);
        AnsiConsole.WriteLine(trial.Violations.Count == 0 ? "Nothing was broken." : $"{trial.Violations.Count} times a rule was broken.");
        return trial.Violations.Count == 0 ? 0 : 1;
    }

    // Memory is returned some time after the last request. With a target, stops waiting as soon as it is reached.
    private static async Task<long?> SettledAsync(HostileServer? server, long? target, CancellationToken cancellation)
    {
        if (server is null || server.HasEnded) return null;
        for (var clock = Stopwatch.StartNew(); ;)
        {
            var bytes = HostileServer.ResidentBytes(server.Id);
            if (target is null ? clock.Elapsed > Warming : bytes <= target || clock.Elapsed > Settling) return bytes;
            await Task.Delay(1000, cancellation);
        }
    }

    private static List<string> ReadLog(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        var lines = new List<string>();
        while (reader.ReadLine() is { } line) lines.Add(line);
        return lines;
    }

    private static void Print(HostileTrial trial, IReadOnlyList<(int Number, TimeSpan Elapsed)> slowest, HostileRequests requests)
    {
        var table = new Table().AddColumns("operation", "answers");
        foreach (var group in trial.Counts.GroupBy(count => count.Key.Operation).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var statuses = group.OrderBy(count => count.Key.Status, StringComparer.Ordinal).Select(count => $"{count.Key.Status}: {count.Value}");
            table.AddRow(Markup.Escape(group.Key), string.Join(", ", statuses));
        }

        AnsiConsole.Write(table);
        foreach (var (number, elapsed) in slowest) AnsiConsole.WriteLine($"{elapsed.TotalMilliseconds,8:F0} ms  {requests.Make(number).Operation} (--only {number})");
    }

    private static string Show(long? bytes) => bytes is { } known ? $"{known >> 20} MiB" : "unknown";
}
