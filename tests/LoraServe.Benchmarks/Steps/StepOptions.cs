namespace LoraServe.Benchmarks.Steps;

/// <summary>Options common to all steps of a run.</summary>
/// <param name="Model">Folder of the checkpoint.</param>
/// <param name="Threads">Threads of libtorch.</param>
/// <param name="Rank">Rank of the random adapters.</param>
/// <param name="Context">Tokens before the decoded one.</param>
/// <param name="Duration">How long to measure.</param>
internal sealed record StepOptions(string Model, int Threads, int Rank, int Context, TimeSpan Duration);
