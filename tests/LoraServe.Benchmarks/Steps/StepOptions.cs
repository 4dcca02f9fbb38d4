namespace LoraServe.Benchmarks.Steps;

/// <summary>Options common to all steps of a run.</summary>
/// <param name="Model">Folder of the checkpoint.</param>
/// <param name="OnTorch">Whether libtorch computes; else what the server would choose.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="Rank">Rank of the random adapters.</param>
/// <param name="Context">Tokens before the decoded one.</param>
/// <param name="Duration">How long to measure.</param>
internal sealed record StepOptions(string Model, bool OnTorch, int Threads, int Rank, int Context, TimeSpan Duration);
