namespace LoraServe.Engine.Merging;

/// <summary>An adapter cannot be merged now because the budget for merged weights has no room; the message says why.</summary>
public sealed class MergedSlotsFullException(string message) : Exception(message);
