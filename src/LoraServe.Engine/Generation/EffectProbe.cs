using System.Diagnostics;
using System.Threading.Channels;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Generation;

/// <summary>
/// Measures how far an adapter moves the distribution of the next token: the mean of KL(base || adapter) over every position of a fixed
/// set of prompts. Runs on the engine's thread, between two steps, one short forward pass at a time, so that a request waits for one of them
/// at most. The scheduler knows nothing of it.
/// </summary>
/// <param name="loop">Lends its thread.</param>
/// <param name="runner">Used by that thread.</param>
/// <param name="blocks">The blocks of the KV cache, used by that thread.</param>
/// <param name="prompts">Token ids; at least one prompt, none of them empty.</param>
/// <param name="context">Most tokens of a sequence.</param>
internal sealed class EffectProbe(EngineLoop loop, ModelRunner runner, KvBlockPool blocks, IReadOnlyList<int[]> prompts, int context)
{
    // About a step: blocks become free between steps.
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(20);

    // A guess between a request for the effect that fails and one that hangs.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The mean divergence in nats, always unmerged.</summary>
    /// <param name="lease">
    /// Stays the caller's. An activated LoRA finds its invocation before each prompt, and so does the base beside it.
    /// </param>
    /// <param name="cancellationToken">Ends it between two forward passes, or while it waits for free KV blocks.</param>
    /// <exception cref="EngineOverloadedException">No KV blocks were free for a long time.</exception>
    /// <exception cref="NotFiniteNumberException">The adapter makes the logits overflow.</exception>
    public async Task<double> MeasureAsync(AdapterLease lease, CancellationToken cancellationToken)
    {
        using var bare = AdapterLease.Base();
        var sum = 0.0;
        var positions = 0;
        foreach (var prompt in prompts)
        {
            int[] tokens = [.. lease.Adapter.InvocationTokens.Concat(prompt).Take(context)];
            var expected = await LogitsAsync(tokens, bare, cancellationToken);
            var actual = await LogitsAsync(tokens, lease, cancellationToken);
            sum += Divergences(expected, actual, tokens.Length).Sum();
            positions += tokens.Length;
        }

        return sum / positions;
    }

    private static IEnumerable<double> Divergences(float[] expected, float[] actual, int rows)
    {
        var vocabulary = expected.Length / rows;
        for (var start = 0; start < expected.Length; start += vocabulary)
            yield return KlDivergence.Of(expected.AsSpan(start, vocabulary), actual.AsSpan(start, vocabulary));
    }

    // [tokens, vocabulary], row by row.
    private async Task<float[]> LogitsAsync(int[] tokens, AdapterLease lease, CancellationToken cancellationToken)
    {
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < Patience;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (await loop.InvokeAsync(() => TryRun(tokens, lease)) is { } logits) return logits;
            await Task.Delay(RetryInterval, cancellationToken);
        }

        throw new EngineOverloadedException("Running requests hold the KV cache. Ask for the effect later.");
    }

    // Null while running sequences hold the KV blocks.
    private float[]? TryRun(int[] tokens, AdapterLease lease)
    {
        var request = new GenerationRequest
        {
            Prompt = tokens,
            Sampling = new SamplingParams { MaxTokens = 1, PromptLogprobs = 0 },
            Adapter = lease,
            Mode = MergeMode.Unmerged,
        };
        var sequence = new Sequence(id: 0, request, [], Channel.CreateUnbounded<GeneratedToken>().Writer, new());
        if (!blocks.TryAllocate((int)blocks.BlocksFor(tokens.Length), sequence.HeldBlocks)) return null;
        try
        {
            var logits = runner.Run(new Batch([new BatchRow(sequence, 0, tokens.Length)]));
            var vocabulary = logits.Of(0, 0).Length;
            var rows = new float[tokens.Length * vocabulary];
            for (var i = 0; i < tokens.Length; i++) logits.Of(0, i).CopyTo(rows.AsSpan(i * vocabulary));
            return rows;
        }
        finally
        {
            blocks.Free(sequence.HeldBlocks);
        }
    }
}
