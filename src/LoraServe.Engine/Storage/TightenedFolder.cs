namespace LoraServe.Engine.Storage;

/// <summary>What became of a folder whose files and folders were to be their owner's only.</summary>
/// <param name="Count">How many had rights for others, and have none now.</param>
/// <param name="Open">Paths of the first that still have some, such as those of somebody else.</param>
/// <param name="OpenCount">How many those are.</param>
/// <param name="Reason">Why the first of them has; null where none has.</param>
public sealed record TightenedFolder(int Count, IReadOnlyList<string> Open, int OpenCount, string? Reason);
