namespace LoraServe.Engine.Training.Runs;

/// <summary>The loss over some targets, which adds up.</summary>
/// <param name="Sum">Sum of their cross-entropies in nats.</param>
/// <param name="Correct">How many were the most probable token.</param>
/// <param name="Targets">How many there are.</param>
internal readonly record struct TargetLoss(double Sum, int Correct, int Targets)
{
    /// <summary>Mean cross-entropy in nats.</summary>
    public double Mean => Sum / Math.Max(Targets, 1);

    /// <summary>Share of the targets that were the most probable token.</summary>
    public double Accuracy => (double)Correct / Math.Max(Targets, 1);

    public static TargetLoss operator +(TargetLoss a, TargetLoss b) => new(a.Sum + b.Sum, a.Correct + b.Correct, a.Targets + b.Targets);
}
