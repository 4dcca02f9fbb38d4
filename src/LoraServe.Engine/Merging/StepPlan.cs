using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Merging;

/// <summary>On which weights the rows of a batch run.</summary>
/// <param name="Load">What the step computes.</param>
/// <param name="UsesSlots">Whether adapters of mode auto run on their slots where they have one.</param>
/// <param name="Adapters">For each row of the batch, the plain or the merged form of its adapter.</param>
internal sealed record StepPlan(StepLoad Load, bool UsesSlots, IReadOnlyList<LoraAdapter> Adapters)
{
    /// <summary>The versions that run on merged weights.</summary>
    public IEnumerable<AdapterVersionId> MergedVersions => Load.Adapters.Where(adapter => adapter.IsMerged(UsesSlots)).Select(adapter => adapter.Version);
}
