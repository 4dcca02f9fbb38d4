namespace LoraServe.Benchmarks.Residency;

/// <summary>The adapters and requests of a run.</summary>
/// <param name="Model">Folder of the checkpoint.</param>
/// <param name="Dtype">Compute type.</param>
/// <param name="Threads">Threads of libtorch.</param>
/// <param name="Adapters">Registered adapters, each with its own version.</param>
/// <param name="Resident">Adapters that fit into memory.</param>
/// <param name="Requests">Total requests.</param>
/// <param name="Concurrency">Concurrent requests.</param>
/// <param name="Tokens">Generated tokens of each request.</param>
/// <param name="Samples">Requests whose answers are compared with solo runs.</param>
internal sealed record ResidencyOptions(
    string Model, string Dtype, int Threads, int Adapters, int Resident, int Requests, int Concurrency, int Tokens, int Samples);
