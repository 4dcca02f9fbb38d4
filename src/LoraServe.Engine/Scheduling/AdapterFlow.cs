using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Scheduling;

/// <summary>The sequences of one owner on one adapter version, or on all of its mixes, and what they are due beside others.</summary>
internal sealed class AdapterFlow
{
    private static readonly Comparer<Sequence> ByArrival =
        Comparer<Sequence>.Create((x, y) => (x.Arrival, x.Id).CompareTo((y.Arrival, y.Id)));

    /// <summary>Sequences that wait, in order of arrival.</summary>
    public SortedSet<Sequence> Waiting { get; } = new(ByArrival);

    /// <summary>Sequences that hold KV blocks, in order of admission.</summary>
    public List<Sequence> Running { get; } = [];

    /// <summary>Its share beside others, above 0.</summary>
    public double EngineShare { get; set; } = 1;

    /// <summary>Tokens of credit; below 0, tokens that it got ahead of its turn.</summary>
    public double Deficit { get; set; }

    /// <summary>Tokens that its running sequences could prefill in the step that is being scheduled.</summary>
    public int Demand { get; set; }

    /// <summary>How many of those they get.</summary>
    public int Grant { get; set; }
}
