namespace LoraServe.Engine.Sampling;

/// <summary>Log-probabilities at one position, from the model's own distribution before any sampling parameter.</summary>
/// <param name="Logprob">Natural logarithm of the token's probability.</param>
/// <param name="Top">The most probable tokens, best first, as many as requested.</param>
public sealed record TokenLogprobs(float Logprob, IReadOnlyList<TokenLogprob> Top);

/// <summary>One alternative at a position.</summary>
public readonly record struct TokenLogprob(int TokenId, float Logprob);
