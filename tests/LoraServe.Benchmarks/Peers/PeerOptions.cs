namespace LoraServe.Benchmarks.Peers;

/// <summary>What the engines load.</summary>
/// <param name="Model">Folder of the checkpoint.</param>
/// <param name="Gguf">The same weights for llama.cpp.</param>
/// <param name="Adapters">Folder of random adapters for llama.cpp; ours has others of the same shapes.</param>
/// <param name="Dtype">The compute dtype.</param>
/// <param name="Threads">Threads of each engine.</param>
internal sealed record PeerOptions(string Model, string Gguf, string Adapters, string Dtype, int Threads)
{
    /// <summary>Rank of the adapters, which act on all linear modules of the layers.</summary>
    public const int Rank = 16;

    /// <summary>Adapters for llama.cpp.</summary>
    public const int MostLlamaAdapters = 4;

    /// <summary>Most requests of a case.</summary>
    public int MostRequests => 32;

    /// <summary>Most tokens of a request.</summary>
    public int Context => 544;
}
