using System.Threading.Channels;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Tests.Sequences;

/// <summary>A sequence with both of its ends: what the engine's thread holds and what its reader sees.</summary>
internal sealed class SubmittedSequence
{
    public const int Eos = 2;

    private readonly Channel<GeneratedToken> _output = Channel.CreateUnbounded<GeneratedToken>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly TaskCompletionSource<IReadOnlyList<TokenLogprobs?>> _promptLogprobs = new();

    public SubmittedSequence(
        IReadOnlyList<int> prompt,
        SamplingParams sampling,
        long id = 1,
        string adapter = "base",
        double weight = 1,
        IReadOnlyList<int>? invocation = null,
        MergeMode? mode = null,
        string salt = "",
        long arrival = 0,
        string owner = "",
        string? name = null)
    {
        var version = new LoraAdapter(new AdapterVersionId(adapter), new Dictionary<string, LinearUpdate>()) { InvocationTokens = invocation ?? [] };
        var request = new GenerationRequest
        {
            Prompt = prompt,
            Sampling = sampling,
            Adapter = new AdapterLease(version, () => Releases++) { EngineShare = weight, Name = name ?? LoraAdapter.Base.Version.Value },
            Mode = mode,
            CacheSalt = salt,
            Arrival = arrival,
            Owner = owner,
        };
        Sequence = new Sequence(id, request, [Eos], _output.Writer, _promptLogprobs);
    }

    public Sequence Sequence { get; }

    /// <summary>How often the sequence let go of its adapter.</summary>
    public int Releases { get; private set; }

    public Task<IReadOnlyList<TokenLogprobs?>> PromptLogprobs => _promptLogprobs.Task;

    public Task Completion => _output.Reader.Completion;

    /// <summary>The tokens written since the last call.</summary>
    public List<GeneratedToken> Read()
    {
        var tokens = new List<GeneratedToken>();
        while (_output.Reader.TryRead(out var token))
            tokens.Add(token);
        return tokens;
    }

    /// <summary>The prompt of one differs from that of another id from its first token on, so that they share nothing.</summary>
    public static SubmittedSequence OfLength(int promptLength, int maxTokens, long id = 1, string adapter = "base", double weight = 1, string owner = "") =>
        new([.. Enumerable.Repeat(10 + (int)id, promptLength)], new SamplingParams { MaxTokens = maxTokens }, id, adapter, weight, owner: owner);
}
