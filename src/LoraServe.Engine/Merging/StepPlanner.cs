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
    private readonly List<AdapterLoad> _adapters = [];
    private readonly HashSet<(AdapterVersionId Version, MergeMode Mode)> _seen = [];
    private readonly List<LoraAdapter> _forms = [];

    /// <summary>Plans the next step. The plan is valid until the next call.</summary>
    public StepPlan Plan(Batch batch)
    {
        var load = LoadOf(batch);
        var usesSlots = controller.UsesSlots(load);
        _forms.Clear();
        foreach (var row in batch.Rows) _forms.Add(FormOf(row.Sequence, usesSlots));
        return new StepPlan(load, usesSlots, _forms);
    }

    private StepLoad LoadOf(Batch batch)
    {
        var (context, hasBase) = (0, false);
        _adapters.Clear();
        _seen.Clear();
        foreach (var row in batch.Rows)
        {
            context += row.Start + row.Count;
            hasBase |= row.Start < row.Sequence.AdapterStart;
            if (row.IsAdapted && _seen.Add((row.Sequence.AdapterVersion, row.Sequence.Mode))) _adapters.Add(LoadOf(row.Sequence));
        }

        return new StepLoad(batch.TokenCount, context, hasBase, _adapters);
    }

    private AdapterLoad LoadOf(Sequence sequence) => new(
        sequence.AdapterVersion, figures.Of(sequence).Rank, sequence.Mode, slots.Find(sequence.AdapterVersion) is not null);

    private LoraAdapter FormOf(Sequence sequence, bool usesSlots) =>
        usesSlots && sequence.Mode == MergeMode.Auto && slots.Find(sequence.AdapterVersion) is { } slot
            ? slot.Adapter
            : sequence.Adapter.Adapter;
}
