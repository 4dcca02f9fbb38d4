namespace LoraServe.Benchmarks.Training;

/// <summary>Options common to all trainings of a run.</summary>
/// <param name="Model">Folder of the checkpoint.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="Rank">r, on every linear module of the layers.</param>
/// <param name="Examples">Examples of a step.</param>
/// <param name="Length">Tokens of each example.</param>
/// <param name="Steps">Measured steps, after one that is not.</param>
internal sealed record TrainOptions(string Model, int Threads, int Rank, int Examples, int Length, int Steps);

/// <summary>One way to train.</summary>
/// <param name="Recompute">Whether activations are recomputed in the backward pass.</param>
/// <param name="HalfOfTargets">Whether only the second half of each example are targets, as after a prompt.</param>
internal sealed record TrainCase(bool Recompute, bool HalfOfTargets);

/// <summary>The measurements of a training.</summary>
/// <param name="Case">How it was trained.</param>
/// <param name="Seconds">Step time, including the optimiser.</param>
/// <param name="ProcessorSeconds">CPU time per step over all cores, which other work on the machine disturbs less.</param>
/// <param name="Counted">Peak bytes of the training's tensors: parameters, gradients, moments, activations.</param>
/// <param name="Resident">Peak resident bytes of the process, including the base.</param>
/// <param name="Loss">Of the last step.</param>
internal sealed record TrainResult(TrainCase Case, Distribution Seconds, Distribution ProcessorSeconds, long Counted, long Resident, double Loss);
