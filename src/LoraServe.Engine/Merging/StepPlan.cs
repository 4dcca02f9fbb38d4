using LoraServe.Engine.Lora;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Merging;

/// <summary>On which weights the rows of a batch run.</summary>
/// <param name="Load">What the step computes.</param>
/// <param name="UsesSlots">Whether adapters of mode auto run on their slots where they have one.</param>
/// <param name="AdapterOf">The plain or the merged form of a sequence's adapter.</param>
internal sealed record StepPlan(StepLoad Load, bool UsesSlots, Func<Sequence, LoraAdapter> AdapterOf);
