namespace LoraServe.Benchmarks.Training;

/// <summary>What all trainings of a run share.</summary>
/// <param name="Model">Folder of the checkpoint.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="Rank">r, on every linear module of the layers.</param>
/// <param name="Examples">Examples of a step.</param>
/// <param name="Length">Tokens of each example.</param>
/// <param name="Steps">Steps that are measured, after one that is not.</param>
internal sealed record TrainOptions(string Model, int Threads, int Rank, int Examples, int Length, int Steps);

/// <summary>One way to train.</summary>
/// <param name="Recompute">Whether activations are computed again on the way back.</param>
/// <param name="HalfOfTargets">Whether only the second half of each example is trained, as where it begins with a prompt.</param>
internal sealed record TrainCase(bool Recompute, bool HalfOfTargets);

/// <summary>What was measured.</summary>
/// <param name="Case">How it was trained.</param>
/// <param name="Seconds">Of each step, the optimiser included.</param>
/// <param name="ProcessorSeconds">The same in time of all processors, which other work on the machine disturbs less.</param>
/// <param name="Counted">Most bytes that tensors of the training took: parameters, gradients, moments, activations.</param>
/// <param name="Resident">Most bytes that the process had in memory meanwhile, the base included.</param>
/// <param name="Loss">Of the last step.</param>
internal sealed record TrainResult(TrainCase Case, Distribution Seconds, Distribution ProcessorSeconds, long Counted, long Resident, double Loss);
