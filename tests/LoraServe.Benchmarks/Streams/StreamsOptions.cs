namespace LoraServe.Benchmarks.Streams;

/// <summary>What a run measures.</summary>
/// <param name="Model">Folder of the checkpoint.</param>
/// <param name="Dtype">Compute type.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="Streams">Streams at the same time.</param>
/// <param name="Tokens">Tokens of each stream.</param>
/// <param name="Rounds">How often everything is measured.</param>
internal sealed record StreamsOptions(string Model, string Dtype, int Threads, int Streams, int Tokens, int Rounds);
