namespace LoraServe.Engine.Merging;

/// <summary>Merged weights of one adapter version.</summary>
/// <param name="Version">The adapter version.</param>
/// <param name="Bytes">Their memory.</param>
/// <param name="IsPinned">Whether a person asked for them.</param>
public sealed record MergedSlotInfo(string Version, long Bytes, bool IsPinned);
