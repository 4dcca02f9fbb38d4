using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Merging;

/// <summary>On which weights the rows of a batch run; valid until the next plan.</summary>
/// <param name="Load">What the step computes.</param>
/// <param name="UsesSlots">Whether adapters of mode auto run on their slots where they have one.</param>
/// <param name="Adapters">For each row of the batch, the plain or the merged form of its adapter.</param>
internal readonly record struct StepPlan(StepLoad Load, bool UsesSlots, List<LoraAdapter> Adapters);
