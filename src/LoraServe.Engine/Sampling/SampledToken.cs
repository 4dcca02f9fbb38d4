namespace LoraServe.Engine.Sampling;

/// <summary>The token sampled for one row of a batch.</summary>
internal readonly record struct SampledToken(int TokenId, TokenLogprobs? Logprobs);
