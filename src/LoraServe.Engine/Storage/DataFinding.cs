namespace LoraServe.Engine.Storage;

/// <summary>Something that was found in a data folder.</summary>
/// <param name="IsFault">Whether something is lost or keeps a server from starting; else the next start puts it right.</param>
/// <param name="Text">What it is, with its path.</param>
public sealed record DataFinding(bool IsFault, string Text);
