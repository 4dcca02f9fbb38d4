namespace LoraServe.Benchmarks.Steps;

/// <summary>What all steps of a run share.</summary>
/// <param name="Model">Folder of the checkpoint.</param>
/// <param name="Threads">Threads that libtorch uses.</param>
/// <param name="Rank">Rank of the random adapters.</param>
/// <param name="Context">Tokens before the one that a decode row computes.</param>
/// <param name="Duration">How long to measure.</param>
internal sealed record StepOptions(string Model, int Threads, int Rank, int Context, TimeSpan Duration);
