using System.Diagnostics;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Benchmarks.Streams;

/// <summary>Tokens a second of streams over HTTP against the same engine driven in this process, by turns.</summary>
internal sealed class StreamsBenchmark(StreamsServer server, StreamsOptions options)
{
    private const int PromptTokens = 16;
    private const int Seed = 3;

    private readonly Random _random = new(Seed);

    /// <summary>One way to run the streams.</summary>
    /// <param name="TokensPerSecond">Of all streams together.</param>
    /// <param name="BytesPerToken">What the process allocates for each token.</param>
    public readonly record struct Figures(double TokensPerSecond, double BytesPerToken);

    /// <summary>The figures of each round.</summary>
    public async Task<List<(Figures Http, Figures Engine)>> RunAsync()
    {
        await RunAsync(OverHttpAsync); // everything is compiled and the connection pool warm
        await RunAsync(InProcessAsync);
        var rounds = new List<(Figures Http, Figures Engine)>();
        for (var round = 0; round < options.Rounds; round++)
        {
            // By turns, so that neither has the quieter half of a round.
            var isFirst = round % 2 == 0;
            var first = await RunAsync(isFirst ? OverHttpAsync : InProcessAsync);
            var second = await RunAsync(isFirst ? InProcessAsync : OverHttpAsync);
            rounds.Add(isFirst ? (first, second) : (second, first));
        }

        return rounds;
    }

    private async Task<Figures> RunAsync(Func<int[], Task> stream)
    {
        var prompts = Enumerable.Range(0, options.Streams)
            .Select(_ => Enumerable.Range(0, PromptTokens).Select(_ => _random.Next(3, server.Engine.Model.VocabularySize)).ToArray())
            .ToList();
        var (start, bytes) = (Stopwatch.GetTimestamp(), GC.GetTotalAllocatedBytes(precise: true));
        await Task.WhenAll(prompts.Select(prompt => Task.Run(() => stream(prompt))));
        double tokens = options.Streams * options.Tokens;
        return new Figures(
            tokens / Stopwatch.GetElapsedTime(start).TotalSeconds, (GC.GetTotalAllocatedBytes(precise: true) - bytes) / tokens);
    }

    private Task OverHttpAsync(int[] prompt) => RawStream.ReadAsync(server.Address, prompt, options.Tokens);

    private async Task InProcessAsync(int[] prompt)
    {
        using var stream = server.Engine.Submit(new GenerationRequest
        {
            Prompt = prompt,
            Sampling = new SamplingParams { Temperature = 0, MaxTokens = options.Tokens, IgnoreEos = true },
            Adapter = AdapterLease.Base(),
        });
        while (await stream.Tokens.WaitToReadAsync())
        {
            while (stream.Tokens.TryRead(out _))
            {
            }
        }
    }
}
