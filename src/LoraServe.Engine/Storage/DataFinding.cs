namespace LoraServe.Engine.Storage;

/// <summary>Something that a check of a data folder found.</summary>
/// <param name="IsFault">Whether something is lost or a server cannot start; otherwise the next start repairs it.</param>
/// <param name="Text">What it is, with its path.</param>
public sealed record DataFinding(bool IsFault, string Text);
