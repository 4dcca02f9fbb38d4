namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>A version in the history of a name.</summary>
/// <param name="Version">SHA-256, lower-case hexadecimal.</param>
/// <param name="Created">When the name was given to it.</param>
/// <param name="IsCurrent">Whether the name points at it.</param>
/// <param name="SplitShare">The part of the name's requests that it gets, 0 to 1.</param>
/// <param name="SizeBytes">Size of its tensor file.</param>
/// <param name="Rank">The highest rank of its modules.</param>
/// <param name="Broken">Why it cannot be loaded; null if no fault is known.</param>
public sealed record AdapterVersion(
    AdapterVersionId Version, DateTimeOffset Created, bool IsCurrent, double SplitShare, long SizeBytes, int Rank, string? Broken);
