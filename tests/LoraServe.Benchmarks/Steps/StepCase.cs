using LoraServe.Engine.Scheduling;

namespace LoraServe.Benchmarks.Steps;

/// <summary>One kind of step, which can be repeated with the same result.</summary>
/// <param name="Kind">decode or prefill.</param>
/// <param name="Adapters">Number of adapters in the batch; 0 is the base alone.</param>
/// <param name="Batch">What the step computes.</param>
internal sealed record StepCase(string Kind, int Adapters, Batch Batch);
