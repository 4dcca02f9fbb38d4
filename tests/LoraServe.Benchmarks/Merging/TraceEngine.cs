using System.Diagnostics;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Benchmarks.Merging;

/// <summary>An engine in this process that replays requests of a trace in one merge mode.</summary>
internal sealed class TraceEngine : IAsyncDisposable
{
    private readonly LlmEngine _engine;
    private readonly IReadOnlyList<string> _adapters;

    /// <param name="options">The engine's options.</param>
    /// <param name="mode">The merge mode of all requests.</param>
    public TraceEngine(EngineOptions options, MergeMode mode)
    {
        _engine = LlmEngine.Load(options, progress: null, NullLoggerFactory.Instance);
        _adapters = [.. _engine.Adapters.List().Select(adapter => adapter.Name)];
        Mode = mode;
    }

    public MergeMode Mode { get; }

    /// <summary>Replays requests of a trace.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="first">Index of the first request.</param>
    /// <param name="count">Number of requests.</param>
    /// <param name="tokens">Generated tokens of each.</param>
    /// <returns>Elapsed seconds.</returns>
    public async Task<double> PlayAsync(MergeTrace trace, int first, int count, int tokens)
    {
        var next = first - 1;
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, trace.Clients).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var request && request < first + count)
                await GenerateAsync(_adapters[trace.AdapterOf(request)], request, tokens);
        })));
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Why the trace's first adapter is merged or not.</summary>
    public async Task<string> ExplainAsync(MergeTrace trace)
    {
        using var lease = await _engine.Adapters.AcquireAsync(_adapters[trace.AdapterOf(0)], CancellationToken.None);
        return _engine.ExplainMerge(lease.Version).Explanation;
    }

    /// <summary>Unmerges everything.</summary>
    public async Task ResetAsync()
    {
        foreach (var slot in _engine.MergedSlots) await _engine.UnmergeAsync(slot.Version);
    }

    public ValueTask DisposeAsync() => _engine.DisposeAsync();

    private async Task GenerateAsync(string adapter, int request, int tokens)
    {
        using var stream = _engine.Submit(new GenerationRequest
        {
            Prompt = [.. Enumerable.Range(0, 16).Select(i => 100 + (((request * 131) + (i * 17)) % 1000))],
            Sampling = new SamplingParams { Temperature = 0, MaxTokens = tokens, IgnoreEos = true },
            Adapter = await _engine.Adapters.AcquireAsync(adapter, CancellationToken.None),
            Mode = Mode,
        });
        await foreach (var _ in stream.Tokens.ReadAllAsync())
        {
        }
    }
}
