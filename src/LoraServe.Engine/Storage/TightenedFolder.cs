namespace LoraServe.Engine.Storage;

/// <summary>The result of restricting a folder and everything in it to its owner.</summary>
/// <param name="Count">Files and folders that others could access and now cannot.</param>
/// <param name="Open">Paths of the first ones that others still can access, such as those of another user.</param>
/// <param name="OpenCount">How many there are of those.</param>
/// <param name="Reason">Why the first of them is not restricted; null if there is none.</param>
public sealed record TightenedFolder(int Count, IReadOnlyList<string> Open, int OpenCount, string? Reason);
