namespace LoraServe.Engine.Sampling;

/// <summary>What the choice of a sequence's next token depends on beside the logits.</summary>
/// <param name="parameters">How to sample.</param>
/// <param name="tokens">The prompt and what was generated, in order.</param>
/// <param name="promptLength">Tokens of the prompt.</param>
/// <param name="stopTokens">Tokens that end the sequence.</param>
/// <param name="seed">Of its random numbers.</param>
internal readonly ref struct SamplingState(
    SamplingParams parameters, ReadOnlySpan<int> tokens, int promptLength, IReadOnlySet<int> stopTokens, long seed)
{
    public SamplingParams Parameters { get; } = parameters;

    public ReadOnlySpan<int> Tokens { get; } = tokens;

    /// <summary>The part of <see cref="Tokens"/> after the prompt.</summary>
    public ReadOnlySpan<int> Generated { get; } = tokens[promptLength..];

    public IReadOnlySet<int> StopTokens { get; } = stopTokens;

    public long Seed { get; } = seed;
}
