namespace LoraServe.Benchmarks.Residency;

/// <summary>What is registered and what is asked.</summary>
/// <param name="Model">Folder of the checkpoint.</param>
/// <param name="Dtype">Compute type.</param>
/// <param name="Threads">Threads that libtorch uses.</param>
/// <param name="Adapters">Registered adapters, each of a version of its own.</param>
/// <param name="Resident">Adapters that memory is given for.</param>
/// <param name="Requests">Requests in all.</param>
/// <param name="Concurrency">Requests at the same time.</param>
/// <param name="Tokens">Tokens that each request generates.</param>
/// <param name="Samples">Requests whose answers are compared with solo runs.</param>
internal sealed record ResidencyOptions(
    string Model, string Dtype, int Threads, int Adapters, int Resident, int Requests, int Concurrency, int Tokens, int Samples);
