using System.Threading.Channels;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Generation;

/// <summary>The output of one submitted sequence. Disposing it before the end cancels the sequence.</summary>
public sealed class TokenStream : IDisposable
{
    private readonly Sequence _sequence;
    private readonly EngineLoop _loop;

    internal TokenStream(
        Sequence sequence, ChannelReader<GeneratedToken> tokens, Task<IReadOnlyList<TokenLogprobs?>> promptLogprobs, EngineLoop loop)
    {
        Tokens = tokens;
        PromptLogprobs = promptLogprobs;
        (_sequence, _loop) = (sequence, loop);
    }

    /// <summary>
    /// Generated tokens in order. Completes after the token that carries a finish reason (or without one for a maximum of 0 tokens),
    /// and fails with a <see cref="GenerationFailedException"/> if the engine failed, or with a
    /// <see cref="Merging.MergedSlotsFullException"/> if it must run merged and there is no room for that.
    /// </summary>
    public ChannelReader<GeneratedToken> Tokens { get; }

    /// <summary>
    /// One entry for each token of the prompt, null for the first, complete before the first generated token is written;
    /// empty where they were not requested.
    /// </summary>
    public Task<IReadOnlyList<TokenLogprobs?>> PromptLogprobs { get; }

    /// <summary>
    /// Tokens of the prompt found in the prefix cache; to be read once <see cref="PromptLogprobs"/> is complete or a token has been read.
    /// </summary>
    public int CachedTokens => _sequence.CachedTokens;

    /// <summary>Its times so far; final once <see cref="Tokens"/> has completed.</summary>
    public SequenceTimes Times => _sequence.Clock.Times;

    /// <summary>Completes when the sequence has ended and released its adapter. Fails as <see cref="Tokens"/> does.</summary>
    /// <exception cref="InvalidOperationException">Tokens are left that have not been read.</exception>
    public async Task WhenEndedAsync(CancellationToken cancellationToken)
    {
        // Not Tokens.Completion: a channel whose writer ends while its last item is read may never complete that task.
        if (await Tokens.WaitToReadAsync(cancellationToken)) throw new InvalidOperationException("Tokens have not been read to their end.");
    }

    /// <summary>Tells the engine to stop working on the sequence; does nothing after its end.</summary>
    public void Dispose()
    {
        if (!Tokens.Completion.IsCompleted) _loop.Cancel(_sequence.Id);
    }
}
