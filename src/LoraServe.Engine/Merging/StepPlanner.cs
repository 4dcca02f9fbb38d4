using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Merging;

/// <summary>Decides on which weights a batch runs.</summary>
/// <param name="slots">The merged weights.</param>
/// <param name="controller">Knows which steps are faster on them.</param>
/// <param name="figures">Of the adapters.</param>
internal sealed class StepPlanner(MergedSlots slots, MergeController controller, AdapterFigures figures)
{
    /// <summary>Plans the next step.</summary>
    public StepPlan Plan(Batch batch)
    {
        var load = LoadOf(batch);
        var usesSlots = controller.UsesSlots(load);
        return new StepPlan(load, usesSlots, [.. batch.Rows.Select(row => FormOf(row.Sequence, usesSlots))]);
    }

    private StepLoad LoadOf(Batch batch) => new(
        batch.TokenCount,
        batch.Rows.Sum(row => row.Start + row.Count),
        batch.Rows.Any(row => row.Start < row.Sequence.AdapterStart),
        [
            .. batch.Rows.Where(row => row.IsAdapted).Select(row => row.Sequence)
                .DistinctBy(sequence => (sequence.AdapterVersion, sequence.Mode))
                .Select(sequence => new AdapterLoad(
                    sequence.AdapterVersion, figures.Of(sequence).Rank, sequence.Mode, slots.Find(sequence.AdapterVersion) is not null)),
        ]);

    private LoraAdapter FormOf(Sequence sequence, bool usesSlots) =>
        usesSlots && sequence.Mode == MergeMode.Auto && slots.Find(sequence.AdapterVersion) is { } slot
            ? slot.Adapter
            : sequence.Adapter.Adapter;
}
