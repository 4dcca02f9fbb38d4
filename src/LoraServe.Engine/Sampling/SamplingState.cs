namespace LoraServe.Engine.Sampling;

/// <summary>The inputs of sampling a sequence's next token, apart from the logits.</summary>
/// <param name="parameters">How to sample.</param>
/// <param name="tokens">The prompt and the generated tokens, in order.</param>
/// <param name="promptLength">Tokens of the prompt.</param>
/// <param name="stopTokens">Tokens that end the sequence.</param>
/// <param name="seed">The seed of its random numbers.</param>
internal readonly ref struct SamplingState(
    SamplingParams parameters, ReadOnlySpan<int> tokens, int promptLength, HashSet<int> stopTokens, long seed)
{
    public SamplingParams Parameters { get; } = parameters;

    public ReadOnlySpan<int> Tokens { get; } = tokens;

    /// <summary>The part of <see cref="Tokens"/> after the prompt.</summary>
    public ReadOnlySpan<int> Generated { get; } = tokens[promptLength..];

    public HashSet<int> StopTokens { get; } = stopTokens;

    public long Seed { get; } = seed;
}
