namespace LoraServe.Engine.Generation;

/// <summary>The sequences of one adapter version, and its account with the others.</summary>
internal sealed class AdapterFlow
{
    private static readonly Comparer<Sequence> ByArrival =
        Comparer<Sequence>.Create((x, y) => (x.Arrival, x.Id).CompareTo((y.Arrival, y.Id)));

    /// <summary>Sequences that wait, in order of arrival.</summary>
    public SortedSet<Sequence> Waiting { get; } = new(ByArrival);

    /// <summary>Sequences that hold KV blocks, in order of admission.</summary>
    public List<Sequence> Running { get; } = [];

    /// <summary>Its share beside others, above 0.</summary>
    public double Weight { get; set; } = 1;

    /// <summary>Tokens that it may still compute in its turn; below 0, those that it computed ahead of it.</summary>
    public double Deficit { get; set; }

    /// <summary>The last step whose batch had room for the adapter; null before the first.</summary>
    public long? LastTurn { get; set; }

    /// <summary>Whether the adapter may act in the step that is being scheduled.</summary>
    public bool HasTurn { get; set; }

    /// <summary>Tokens that its running sequences could prefill in the step that is being scheduled.</summary>
    public int Demand { get; set; }

    /// <summary>How many of those they get.</summary>
    public int Grant { get; set; }

    /// <summary>How many of a sequence's pending tokens the step may compute: without a turn only those on which no adapter acts.</summary>
    public int Computable(Sequence sequence) =>
        HasTurn ? sequence.PendingTokens : Math.Max(0, Math.Min(sequence.PendingTokens, sequence.AdapterStart - sequence.ComputedTokens));
}
