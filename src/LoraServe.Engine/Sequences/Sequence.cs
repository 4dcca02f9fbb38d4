using System.Runtime.InteropServices;
using System.Threading.Channels;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Sampling;

namespace LoraServe.Engine.Sequences;

/// <summary>
/// One request on its way through the engine. Once submitted, only the engine's thread touches it, and only the scheduler ends it.
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

    /// <param name="id">Unique in this engine, and higher than the arrival tickets that were given before.</param>
    /// <param name="request">Its lease is disposed when the sequence ends.</param>
    /// <param name="eosTokenIds">The model's end-of-sequence tokens.</param>
    /// <param name="output">Unbounded: the engine never waits for a reader.</param>
    /// <param name="promptLogprobs">Made with RunContinuationsAsynchronously: no reader's code runs on the engine's thread.</param>
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
        _tokens = [.. request.Prompt];
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

    /// <summary>Its place in line: the ticket that the request took, or else its <see cref="Id"/>.</summary>
    public long Arrival => Request.Arrival == 0 ? Id : Request.Arrival;

    public GenerationRequest Request { get; }

    /// <summary>What it runs on: the request's lease, or one on merged weights.</summary>
    public AdapterLease Adapter { get; private set; }

    /// <summary>In which share of the engine it counts.</summary>
    public FlowKey Flow { get; }

    /// <summary>Whether it runs on merged weights: as the request says, else as the adapter is set.</summary>
    public MergeMode Mode => Request.Mode ?? Request.Adapter.Mode;

    /// <summary>The version of <see cref="Adapter"/>.</summary>
    public string AdapterVersion => Adapter.Version;

    /// <summary>
    /// The first position on which the adapter acts: 0, or for an activated LoRA where its last invocation in the prompt begins. Past the end
    /// of every context without one, and for the base.
    /// </summary>
    public int AdapterStart { get; }

    /// <summary>The request's seed, or a random one.</summary>
    public long Seed { get; }

    /// <summary>The prompt and what was generated, in order; only ever appended to.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    public int PromptLength => Request.Prompt.Count;

    /// <summary>The part of <see cref="Tokens"/> after the prompt.</summary>
    public ReadOnlySpan<int> Generated => Tokens[PromptLength..];

    public int GeneratedCount => _tokens.Count - PromptLength;

    /// <summary>Most tokens to generate.</summary>
    public int MaxTokens => Request.Sampling.MaxTokens;

    /// <summary>Tokens whose keys and values are in the cache.</summary>
    public int ComputedTokens { get; set; }

    /// <summary>KV blocks in order of position, enough for the known tokens; none where it waits and after the end.</summary>
    public IReadOnlyList<int> Blocks => HeldBlocks;

    /// <summary>The blocks as the scheduler fills and frees them.</summary>
    internal List<int> HeldBlocks { get; } = [];

    /// <summary>Tokens that end the sequence.</summary>
    public IReadOnlySet<int> StopTokens => _stopTokens;

    /// <summary>What the choice of its next token depends on beside the logits.</summary>
    public SamplingState SamplingState => new(Request.Sampling, Tokens, PromptLength, _stopTokens, Seed);

    /// <summary>How many of the first <see cref="Blocks"/> are known to the prefix cache.</summary>
    public int IndexedBlocks { get; set; }

    /// <summary>Tokens of the prompt that were found computed; final once the prompt is evaluated, when a reader may look at it.</summary>
    public int CachedTokens { get; set; }

    /// <summary>Whether it was preempted before.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>Tokens that are known and not computed.</summary>
    public int PendingTokens => _tokens.Count - ComputedTokens;

    /// <summary>Whether more is to be computed than the one token that was generated last.</summary>
    public bool IsPrefilling => PendingTokens > 1 || (PendingTokens == 1 && GeneratedCount == 0);

    /// <summary>Whether the sequence finished, failed or was cancelled; nothing more is computed for it.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>What the keys and values of a block depend on that ends with this many tokens.</summary>
    public PrefixScope ScopeUpTo(int tokens) => tokens <= AdapterStart ? _baseScope : _adapterScope;

    /// <summary>Forgets what was computed, not what was generated; its blocks must have been given back.</summary>
    public void Preempt()
    {
        IsResumed = true;
        Clock.Preempt();
        ComputedTokens = 0;
        if (GeneratedCount == 0) RestartPromptLogprobs();
    }

    /// <summary>Exchanges the plain adapter for its merged form, before the first step.</summary>
    /// <param name="merged">Took over <see cref="Adapter"/>.</param>
    public void RunOn(AdapterLease merged) => Adapter = merged;

    /// <summary>Takes the log-probabilities of the prompt's next token, the second one first.</summary>
    public void AddPromptLogprobs(TokenLogprobs logprobs) => _promptLogprobs.Add(logprobs);

    /// <summary>Tells the reader that the prompt is evaluated.</summary>
    public void CompletePrompt() => _promptLogprobsDone.TrySetResult(_promptLogprobs);

    /// <summary>Adds a token to the text and writes it to the reader.</summary>
    /// <returns>Why the sequence ends with this token; null if it goes on.</returns>
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

    /// <summary>Closes the output, with an error where there is one, and lets go of the adapter. A second call does nothing.</summary>
    public void End(Exception? error)
    {
        if (HasEnded)
            return;

        HasEnded = true;
        Clock.End();
        // Before its reader sees the end: an adapter that has just answered can be deleted.
        Adapter.Dispose();
        _output.TryComplete(error);
        if (error is null)
            _promptLogprobsDone.TrySetCanceled();
        else if (_promptLogprobsDone.TrySetException(error))
            _ = _promptLogprobsDone.Task.Exception; // seen: nobody has to wait for log-probabilities that were not asked for
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
