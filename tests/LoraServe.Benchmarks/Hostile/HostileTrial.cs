using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;

namespace LoraServe.Benchmarks.Hostile;

/// <summary>The limits of a run.</summary>
/// <param name="Count">Requests.</param>
/// <param name="Concurrency">Requests at the same time.</param>
/// <param name="Slowest">Maximum time of a response.</param>
/// <param name="TimeLimit">After this time no further requests are sent; exceeding it is a violation.</param>
/// <param name="Failures">Folder for requests whose response broke a rule.</param>
internal sealed record HostileOptions(int Count, int Concurrency, TimeSpan Slowest, TimeSpan TimeLimit, string Failures);

/// <summary>Sends the requests of a run and records every response that breaks a rule.</summary>
/// <param name="options">The rules.</param>
/// <param name="requests">By number.</param>
/// <param name="client">Sends them.</param>
/// <param name="hasEnded">Whether the server process has ended.</param>
internal sealed class HostileTrial(HostileOptions options, HostileRequests requests, HostileClient client, Func<bool> hasEnded)
{
    private const int MostErrorBytes = 64 << 10;
    private const int MostSaved = 50;

    private readonly ConcurrentDictionary<(string Operation, string Status), int> _counts = new();
    private readonly ConcurrentQueue<string> _violations = new();
    private readonly ConcurrentDictionary<int, TimeSpan> _times = new();
    private int _saved;

    /// <summary>Number of responses by operation and status.</summary>
    public IReadOnlyDictionary<(string Operation, string Status), int> Counts => _counts;

    /// <summary>Violations, one line each.</summary>
    public IReadOnlyCollection<string> Violations => _violations;

    /// <summary>Sends the requests with these numbers.</summary>
    public async Task RunAsync(int first, int count, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(options.TimeLimit);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Concurrency, CancellationToken = cancellation };
        await Parallel.ForEachAsync(Enumerable.Range(first, count), parallel, async (number, token) =>
        {
            if (hasEnded() || limit.IsCancellationRequested) return;
            var request = requests.Make(number);
            var answer = await client.SendAsync(request, token);
            Judge(request, answer);
        });
        if (hasEnded()) Break("the server has ended");
        if (limit.IsCancellationRequested) Break($"not all requests were sent within {options.TimeLimit}");
    }

    /// <summary>Checks response times, as the server's log has them where it does: those exclude the client's own delays.</summary>
    /// <param name="log">Times by request number.</param>
    public IReadOnlyList<(int Number, TimeSpan Elapsed)> Slowest(IReadOnlyDictionary<int, TimeSpan> log)
    {
        var times = _times.Select(time => (time.Key, log.GetValueOrDefault(time.Key, time.Value))).OrderByDescending(time => time.Item2).ToList();
        foreach (var (number, elapsed) in times.Where(time => time.Item2 > options.Slowest))
            Break($"{requests.Make(number).Operation} took {elapsed.TotalSeconds:F1} s", requests.Make(number));
        return [.. times.Take(10)];
    }

    /// <summary>Records a violation, and saves the request.</summary>
    public void Break(string violation, HostileRequest? request = null)
    {
        if (request is null || Interlocked.Increment(ref _saved) > MostSaved)
        {
            _violations.Enqueue(violation);
            return;
        }

        Directory.CreateDirectory(options.Failures);
        var file = Path.Combine(options.Failures, $"{request.Number}.http");
        File.WriteAllBytes(file, [.. Encoding.Latin1.GetBytes(request.Head), .. request.Body]);
        _violations.Enqueue($"{violation}: {file}");
    }

    /// <summary>The times of requests in a server's log, by request number.</summary>
    public static Dictionary<int, TimeSpan> ReadTimes(IEnumerable<string> lines)
    {
        var times = new Dictionary<int, TimeSpan>();
        foreach (var line in lines.Where(line => line.Contains("\"RequestId\":\"hostile-", StringComparison.Ordinal)))
        {
            using var json = JsonDocument.Parse(line);
            if (!json.RootElement.TryGetProperty("Elapsed", out var elapsed)) continue;
            if (int.TryParse(json.RootElement.GetProperty("RequestId").GetString()!["hostile-".Length..], out var number))
                times[number] = TimeSpan.FromMilliseconds(elapsed.GetDouble());
        }

        return times;
    }

    private void Judge(HostileRequest request, HostileAnswer answer)
    {
        _times[request.Number] = answer.Elapsed;
        _counts.AddOrUpdate((request.Operation, answer.Status?.ToString() ?? "none"), 1, (_, count) => count + 1);
        if (answer.Status is not { } status)
        {
            if (!request.MayBeUnanswered && !hasEnded()) Break($"{request.Operation} got no answer", request);
            return;
        }

        var reason = answer.Start[(answer.Start.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        if (status >= 500 && status != 501) Break($"{request.Operation} was answered with {status}: {reason[..Math.Min(reason.Length, 200)]}", request);
        if (status >= 400 && answer.Bytes > MostErrorBytes) Break($"{request.Operation} was answered with an error of {answer.Bytes} bytes", request);
    }
}
