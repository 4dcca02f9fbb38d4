namespace LoraServe.Engine.Merging;

/// <summary>Merged weights of one adapter version.</summary>
/// <param name="Version">The adapter version.</param>
/// <param name="Bytes">Of memory.</param>
/// <param name="IsPinned">Whether a person merged them.</param>
public sealed record MergedSlotInfo(AdapterVersionId Version, long Bytes, bool IsPinned);
