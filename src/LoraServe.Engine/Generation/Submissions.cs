using System.Threading.Channels;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Generation;

/// <summary>Turns requests into sequences of the engine's thread, from any thread.</summary>
/// <param name="loop">Runs them.</param>
/// <param name="limits">Refuse what can never be served.</param>
/// <param name="endTokens">Of the model.</param>
/// <param name="mostQueued">Most sequences that wait for their turn.</param>
internal sealed class Submissions(EngineLoop loop, PromptLimits limits, IReadOnlyList<int> endTokens, int mostQueued)
{
    private long _lastId;
    private volatile bool _areClosed;

    /// <summary>Whether new sequences are refused for good.</summary>
    public bool AreClosed => _areClosed;

    /// <inheritdoc cref="LlmEngine.NextArrival"/>
    public long NextArrival() => Interlocked.Increment(ref _lastId);

    /// <inheritdoc cref="LlmEngine.Submit"/>
    public TokenStream Submit(GenerationRequest request)
    {
        try
        {
            limits.CheckFits(request.Prompt.Count, request.Sampling);
            limits.CheckTokens(request.Prompt);
            if (_areClosed) throw new EngineOverloadedException("The server is shutting down.");
            if (loop.Status.Queued >= mostQueued)
                throw new EngineOverloadedException($"{mostQueued} sequences are waiting already. Please try again later.");

            var output = Channel.CreateUnbounded<GeneratedToken>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
            var promptLogprobs = new TaskCompletionSource<IReadOnlyList<TokenLogprobs?>>(TaskCreationOptions.RunContinuationsAsynchronously);
            var sequence = new Sequence(NextArrival(), request, endTokens, output.Writer, promptLogprobs);
            if (!loop.Add(sequence)) throw new EngineOverloadedException("The server is shutting down.");
            return new TokenStream(sequence, output.Reader, promptLogprobs.Task, loop);
        }
        catch
        {
            request.Adapter.Dispose();
            throw;
        }
    }

    /// <summary>Refuses new sequences from now on.</summary>
    public void Close() => _areClosed = true;
}
