using static System.FormattableString;

namespace LoraServe.Engine.Merging;

/// <summary>Why an adapter version runs on merged weights or does not, in figures of its latest steps and in words.</summary>
public sealed record MergeDecision
{
    // Steps a second: one in 20 seconds. Below, its figures say little; a guess.
    private const double HardlyUsed = 0.05;

    /// <summary>The adapter version.</summary>
    public required AdapterVersionId Version { get; init; }

    /// <summary>Whether merged weights of it exist.</summary>
    public required bool IsMerged { get; init; }

    /// <summary>Whether a person merged it, so that it stays merged.</summary>
    public required bool IsPinned { get; init; }

    /// <summary>Bytes of its merged weights; 0 for a version that was not used.</summary>
    public long Bytes { get; init; }

    /// <summary>Steps a second in which it took part.</summary>
    public double StepsPerSecond { get; init; }

    /// <summary>The part of them, 0 to 1, without tokens of another adapter or of the base.</summary>
    public double AloneShare { get; init; }

    /// <summary>Milliseconds of such a step on the base alone; 0 where nothing was observed.</summary>
    public double BaseStepMilliseconds { get; init; }

    /// <summary>Milliseconds of its steps with the adapter beside the base.</summary>
    public double UnmergedStepMilliseconds { get; init; }

    /// <summary>Milliseconds of its steps where merged weights may be used.</summary>
    public double MergedStepMilliseconds { get; init; }

    /// <summary>Milliseconds of engine time for a merge.</summary>
    public double MergeMilliseconds { get; init; }

    /// <summary>Milliseconds of engine time that merged weights save, or would save, each second.</summary>
    public double ExpectedSavingPerSecond { get; init; }

    /// <summary>Milliseconds that merged weights are expected to save while demand lasts.</summary>
    public double ExpectedSaving { get; init; }

    /// <summary>Milliseconds that they must save to be worth the merge and the slots given up for it.</summary>
    public double WorthFrom { get; init; }

    /// <summary>Why it cannot be merged, however much it saves; null if it can.</summary>
    public string? Obstacle { get; init; }

    /// <summary>The decision in words.</summary>
    public string Explanation => this switch
    {
        { IsPinned: true } => "Merged by hand: it stays merged until it is unmerged.",
        { IsMerged: true, StepsPerSecond: < HardlyUsed } => "Merged: it was used before, and nothing else needs the memory yet.",
        { IsMerged: true } => Invariant($"Merged: {Steps}, which saves {ExpectedSavingPerSecond:F0} ms of each second. ")
            + Invariant($"The merge took about {MergeMilliseconds:F0} ms."),
        { StepsPerSecond: < HardlyUsed } => "Not merged: it has hardly been used lately.",
        { Obstacle: not null } => $"Not merged: {Obstacle}",
        _ => Invariant($"Not merged: {Steps}. That would save {ExpectedSaving:F0} ms while this goes on; ")
            + Invariant($"a merge takes {MergeMilliseconds:F0} ms and pays from {WorthFrom:F0} ms on."),
    };

    private string Steps =>
        Invariant($"{StepsPerSecond:F1} steps a second, {AloneShare:P0} of them without other adapters, take {UnmergedStepMilliseconds:F1} ms ")
        + Invariant($"unmerged and {MergedStepMilliseconds:F1} ms with merged weights ({BaseStepMilliseconds:F1} ms on the base alone)");
}
