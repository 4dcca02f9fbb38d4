namespace LoraServe.Engine.Merging;

/// <summary>A snapshot of merged weights, and why they are there or not.</summary>
/// <param name="Bytes">Memory of merged weights, of merges under way too.</param>
/// <param name="Budget">Most memory that they may take.</param>
/// <param name="Slots">Every merged adapter version.</param>
/// <param name="Decisions">The versions that were used lately.</param>
internal sealed record MergeStatus(
    long Bytes, long Budget, IReadOnlyList<MergedSlotInfo> Slots, IReadOnlyDictionary<AdapterVersionId, MergeDecision> Decisions)
{
    /// <summary>Why a version is merged or not.</summary>
    public MergeDecision DecisionOf(AdapterVersionId version) =>
        Decisions.GetValueOrDefault(version) ?? new MergeDecision { Version = version, IsMerged = false, IsPinned = false };
}
