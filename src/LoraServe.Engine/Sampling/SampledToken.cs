namespace LoraServe.Engine.Sampling;

/// <summary>What the sampler chose for one row of a batch.</summary>
internal readonly record struct SampledToken(int TokenId, TokenLogprobs? Logprobs);
