using LoraServe.Engine.Sampling;

namespace LoraServe.Engine.Sequences;

/// <summary>One token of a sequence's output; the last one carries the finish reason.</summary>
public readonly record struct GeneratedToken(int TokenId, TokenLogprobs? Logprobs, FinishReason? FinishReason);
