using System.Diagnostics;

namespace LoraServe.Benchmarks.Load;

/// <summary>A closed loop: each of a fixed number of clients sends its next request once the last is answered, until all are sent.</summary>
internal static class LoadGenerator
{
    /// <summary>Requests one token on each adapter first, so that loading adapters from disk is not measured.</summary>
    /// <exception cref="BenchmarkException">With every adapter whose first request failed.</exception>
    public static async Task<LoadResult> RunAsync(LoadOptions options, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.TimeLimit);
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        var client = new StreamingClient(http, options);
        var first = await Task.WhenAll(options.Adapters.Select(adapter =>
            client.CompleteAsync(adapter, options.Prompts[0], maxTokens: 1, limit.Token)));
        if (first.Any(request => request.Error is not null))
        {
            throw new BenchmarkException($"{options.Url} does not answer:\n  " + string.Join(
                "\n  ", first.Where(request => request.Error is not null).Select(request => $"{request.Adapter}: {request.Error}")));
        }

        var next = -1;
        var finished = new LoadedRequest[options.Requests];
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, options.Concurrency).Select(_ => SendAsync()));
        return new LoadResult(options, finished, Stopwatch.GetElapsedTime(start));

        async Task SendAsync()
        {
            while (Interlocked.Increment(ref next) is var i && i < options.Requests)
            {
                var (round, adapter) = Math.DivRem(i, options.Adapters.Count);
                var prompt = options.Prompts[round % options.Prompts.Count];
                finished[i] = await client.CompleteAsync(options.Adapters[adapter], prompt, options.MaxTokens, limit.Token);
            }
        }
    }
}
