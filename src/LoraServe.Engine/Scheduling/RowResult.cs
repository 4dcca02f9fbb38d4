using LoraServe.Engine.Sampling;

namespace LoraServe.Engine.Scheduling;

/// <summary>The outcome of a row of a batch.</summary>
/// <param name="Token">The next token; null if the row samples none.</param>
/// <param name="Error">Why the row failed; null if it did not.</param>
internal readonly record struct RowResult(SampledToken? Token, Exception? Error = null);
