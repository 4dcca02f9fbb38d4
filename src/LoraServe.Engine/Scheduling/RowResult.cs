using LoraServe.Engine.Sampling;

namespace LoraServe.Engine.Scheduling;

/// <summary>The outcome of a row of a batch.</summary>
/// <param name="Token">The next token; null where the row samples none.</param>
/// <param name="Error">Why the row failed; null where it did not.</param>
internal readonly record struct RowResult(SampledToken? Token, Exception? Error = null);
