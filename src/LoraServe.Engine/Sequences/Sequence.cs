using System.Runtime.InteropServices;
using System.Threading.Channels;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Sampling;

namespace LoraServe.Engine.Sequences;

/// <summary>
/// One request in the engine. Once submitted, only the engine's thread accesses it, and only the scheduler ends it.
/// </summary>
internal sealed class Sequence
{
    private readonly List<int> _tokens;
    private readonly HashSet<int> _stopTokens;
    private readonly List<TokenLogprobs?> _promptLogprobs = [];
    private readonly PrefixScope _baseScope;
    private readonly PrefixScope _adapterScope;
    private readonly ChannelWriter<GeneratedToken> _output;
    private readonly TaskCompletionSource<IReadOnlyList<TokenLogprobs?>> _promptLogprobsDone;

    /// <param name="id">Unique in this engine, and higher than all earlier arrival tickets.</param>
    /// <param name="request">Its lease is disposed when the sequence ends.</param>
    /// <param name="eosTokenIds">The model's end-of-sequence tokens.</param>
    /// <param name="output">Unbounded, so that the engine never waits for a reader.</param>
    /// <param name="promptLogprobs">Created with RunContinuationsAsynchronously, so that no reader's code runs on the engine's thread.</param>
    /// <param name="time">Its clock; null: the system's.</param>
    public Sequence(
        long id,
        GenerationRequest request,
        IReadOnlyCollection<int> eosTokenIds,
        ChannelWriter<GeneratedToken> output,
        TaskCompletionSource<IReadOnlyList<TokenLogprobs?>> promptLogprobs,
        TimeProvider? time = null)
    {
        Id = id;
        Clock = new SequenceClock(time ?? TimeProvider.System);
        Request = request;
        Adapter = request.Adapter;
        Flow = FlowKey.Of(request);
        Seed = request.Sampling.Seed ?? Random.Shared.NextInt64();
        // Room for most answers is made here, on the caller's thread; longer ones grow.
        _tokens = new List<int>(request.Prompt.Count + Math.Min(request.Sampling.MaxTokens, 1024));
        _tokens.AddRange(request.Prompt);
        AdapterStart = AdapterVersion == LoraAdapter.Base.Version ? int.MaxValue : StartOf(Adapter.Adapter.InvocationTokens);
        _baseScope = PrefixScope.Base(request.CacheSalt);
        _adapterScope = new PrefixScope(request.CacheSalt, AdapterVersion, Mode, AdapterStart);
        _stopTokens = [.. request.Sampling.StopTokenIds];
        if (!request.Sampling.IgnoreEos)
            _stopTokens.UnionWith(eosTokenIds);
        _output = output;
        _promptLogprobsDone = promptLogprobs;
        RestartPromptLogprobs();
    }

    public long Id { get; }

    /// <summary>Its times.</summary>
    public SequenceClock Clock { get; }

    /// <summary>Its place in the queue: the request's ticket, or else its <see cref="Id"/>.</summary>
    public long Arrival => Request.Arrival == 0 ? Id : Request.Arrival;

    public GenerationRequest Request { get; }

    /// <summary>The adapter in use: the request's lease, or one on merged weights.</summary>
    public AdapterLease Adapter { get; private set; }

    /// <summary>The flow to which fair scheduling assigns it.</summary>
    public FlowKey Flow { get; }

    /// <summary>Whether it uses merged weights: the request's mode, else the adapter's setting.</summary>
    public MergeMode Mode => Request.Mode ?? Request.Adapter.Mode;

    /// <summary>The version of <see cref="Adapter"/>.</summary>
    public AdapterVersionId AdapterVersion => Adapter.Version;

    /// <summary>
    /// The first position on which the adapter acts: 0, or for an activated LoRA the start of its last invocation in the prompt. Past the end
    /// of any context if there is no invocation, and for the base.
    /// </summary>
    public int AdapterStart { get; }

    /// <summary>The request's seed, or a random one.</summary>
    public long Seed { get; }

    /// <summary>The prompt and the generated tokens, in order; append-only.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    public int PromptLength => Request.Prompt.Count;

    /// <summary>The part of <see cref="Tokens"/> after the prompt.</summary>
    public ReadOnlySpan<int> Generated => Tokens[PromptLength..];

    public int GeneratedCount => _tokens.Count - PromptLength;

    /// <summary>The largest number of tokens to generate.</summary>
    public int MaxTokens => Request.Sampling.MaxTokens;

    /// <summary>Tokens whose keys and values are in the cache.</summary>
    public int ComputedTokens { get; set; }

    /// <summary>KV blocks in order of position, enough for the known tokens; none while it waits and after it ends.</summary>
    public IReadOnlyList<int> Blocks => HeldBlocks;

    /// <summary>The blocks as the scheduler fills and frees them.</summary>
    internal List<int> HeldBlocks { get; } = [];

    /// <summary>Tokens that end the sequence.</summary>
    public IReadOnlySet<int> StopTokens => _stopTokens;

    /// <summary>The inputs of sampling its next token, apart from the logits.</summary>
    public SamplingState SamplingState => new(Request.Sampling, Tokens, PromptLength, _stopTokens, Seed);

    /// <summary>The number of leading <see cref="Blocks"/> registered in the prefix cache.</summary>
    public int IndexedBlocks { get; set; }

    /// <summary>Tokens of the prompt reused from the prefix cache; final, and safe for readers, once the prompt is evaluated.</summary>
    public int CachedTokens { get; set; }

    /// <summary>Whether it was preempted before.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>Known tokens whose keys and values are not computed yet.</summary>
    public int PendingTokens => _tokens.Count - ComputedTokens;

    /// <summary>Whether tokens other than the last generated one remain to be computed.</summary>
    public bool IsPrefilling => PendingTokens > 1 || (PendingTokens == 1 && GeneratedCount == 0);

    /// <summary>Whether the sequence finished, failed or was cancelled; nothing more is computed for it.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The prefix scope of a block that ends after this many tokens.</summary>
    public PrefixScope ScopeUpTo(int tokens) => tokens <= AdapterStart ? _baseScope : _adapterScope;

    /// <summary>Discards computed keys and values but keeps the generated tokens; its blocks must have been freed.</summary>
    public void Preempt()
    {
        IsResumed = true;
        Clock.Preempt();
        ComputedTokens = 0;
        if (GeneratedCount == 0) RestartPromptLogprobs();
    }

    /// <summary>Replaces the unmerged adapter by its merged form, before the first step.</summary>
    /// <param name="merged">A lease on merged weights, which has taken over <see cref="Adapter"/>.</param>
    public void RunOn(AdapterLease merged) => Adapter = merged;

    /// <summary>Appends the log-probabilities of the prompt's next token, starting with the second token.</summary>
    public void AddPromptLogprobs(TokenLogprobs logprobs) => _promptLogprobs.Add(logprobs);

    /// <summary>Signals the reader that the prompt is evaluated.</summary>
    public void CompletePrompt() => _promptLogprobsDone.TrySetResult(_promptLogprobs);

    /// <summary>Adds a token to the text and writes it to the reader.</summary>
    /// <returns>The finish reason if the sequence ends with this token, else null.</returns>
    public FinishReason? Append(SampledToken token)
    {
        _tokens.Add(token.TokenId);
        Clock.AddToken();
        FinishReason? reason = _stopTokens.Contains(token.TokenId) ? FinishReason.Stop
            : GeneratedCount >= MaxTokens ? FinishReason.Length
            : null;
        _output.TryWrite(new GeneratedToken(token.TokenId, token.Logprobs, reason));
        return reason;
    }

    /// <summary>Closes the output, with the error if there is one, and releases the adapter. A second call does nothing.</summary>
    public void End(Exception? error)
    {
        if (HasEnded)
            return;

        HasEnded = true;
        Clock.End();
        // Before the reader sees the end, so that the adapter can be deleted right after the answer.
        Adapter.Dispose();
        _output.TryComplete(error);
        if (error is null)
            _promptLogprobsDone.TrySetCanceled();
        else if (_promptLogprobsDone.TrySetException(error))
            _ = _promptLogprobsDone.Task.Exception; // observed: log-probabilities that were not requested are never awaited
    }

    // The first token has none. After the prompt the list belongs to the reader.
    private void RestartPromptLogprobs()
    {
        _promptLogprobs.Clear();
        if (Request.Sampling.PromptLogprobs is not null)
            _promptLogprobs.Add(null);
    }

    private int StartOf(IReadOnlyList<int> invocation)
    {
        if (invocation.Count == 0) return 0;
        var start = Tokens.LastIndexOf(invocation.ToArray());
        return start < 0 ? int.MaxValue : start;
    }
}
