namespace LoraServe.Benchmarks.Merging;

/// <summary>Who asks for what: clients that each send one request after the other.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Clients">How many requests run at a time.</param>
/// <param name="AdapterOf">The adapter, by number, of each request, by number.</param>
internal sealed record MergeTrace(string Name, int Clients, Func<int, int> AdapterOf)
{
    /// <summary>Adapters that the traces need.</summary>
    public const int Adapters = 16;

    /// <summary>One hot adapter, two in turn, and sixteen at random, with so many requests at a time.</summary>
    public static IReadOnlyList<MergeTrace> All =>
    [
        new("one adapter hot", 1, _ => 0),
        new("two alternating", 1, request => request % 2),
        new("uniform over 16", 8, Scattered),
    ];

    // The same for every mode: Knuth's multiplicative hash of the request's number.
    private static int Scattered(int request) => (int)((uint)request * 2654435761u >> 28);
}
