namespace LoraServe.Benchmarks.Merging;

/// <summary>The adapters of a stream of requests, sent by clients one after the other.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Clients">Concurrent requests.</param>
/// <param name="AdapterOf">Maps the index of a request to the index of its adapter.</param>
internal sealed record MergeTrace(string Name, int Clients, Func<int, int> AdapterOf)
{
    /// <summary>Number of adapters of the traces.</summary>
    public const int Adapters = 16;

    /// <summary>One hot adapter, two alternating, and sixteen at random.</summary>
    public static IReadOnlyList<MergeTrace> All =>
    [
        new("one adapter hot", 1, _ => 0),
        new("two alternating", 1, request => request % 2),
        new("uniform over 16", 8, Scattered),
    ];

    // Equal for every mode: Knuth's multiplicative hash of the request's index.
    private static int Scattered(int request) => (int)((uint)request * 2654435761u >> 28);
}
