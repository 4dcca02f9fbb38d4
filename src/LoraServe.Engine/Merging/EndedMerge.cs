using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Merging;

/// <summary>A merge that left the queue.</summary>
/// <param name="Job">The merge, with those who waited for it.</param>
/// <param name="Slot">Its merged weights, or those that were there already; null if it failed.</param>
/// <param name="Error">Why it failed; null if it did not.</param>
/// <param name="Spent">Time that it took of the engine's thread; null for weights that were there already.</param>
internal sealed record EndedMerge(MergeJob Job, MergedSlot? Slot, Exception? Error, TimeSpan? Spent = null);

/// <summary>A sequence whose merge ended, so that it waits no longer.</summary>
/// <param name="Sequence">Runs on merged weights from now on, unless there is an error.</param>
/// <param name="Error">Why it cannot.</param>
internal readonly record struct EndedWait(Sequence Sequence, Exception? Error);
