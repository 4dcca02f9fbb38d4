namespace LoraServe.Engine.Merging;

/// <summary>
/// Step times on this machine: exponentially weighted averages by shape, and estimates from them for shapes that were not run.
/// </summary>
internal sealed class StepCosts
{
    // Share of one step in the average. A guess between following the machine and noise of single steps.
    private const double StepShare = 0.2;

    // A step counts at most this many times the average: other processes and garbage collections disturb single steps. A guess.
    private const double Outlier = 1.5;

    // The first steps of a shape are slower, because kernels are prepared: of these, the fastest counts. A guess.
    private const int PreparingSteps = 3;

    // Machines change their pace, so that older averages are estimates no better than others. A guess: shorter tries unused plans more often.
    private static readonly TimeSpan Validity = TimeSpan.FromSeconds(60);

    private readonly Dictionary<StepShape, Average> _averages = [];
    private TimeSpan _now;

    /// <summary>Learns from a step.</summary>
    public void Observe(StepShape shape, double milliseconds, TimeSpan now)
    {
        _now = now;
        _averages[shape] = !IsKnown(shape) ? new Average(milliseconds, 1, now)
            : _averages[shape] is { Steps: < PreparingSteps } first
                ? new Average(Math.Min(first.Milliseconds, milliseconds), first.Steps + 1, now)
            : Add(_averages[shape], milliseconds, now);
    }

    /// <summary>Whether steps of this shape were measured lately.</summary>
    public bool IsKnown(StepShape shape) => _averages.TryGetValue(shape, out var average) && _now - average.Observed < Validity;

    /// <summary>Milliseconds of a step of this shape; 0 until any step was measured.</summary>
    public double Estimate(StepShape shape) =>
        IsKnown(shape) ? _averages[shape].Milliseconds
            : IsKnown(shape.Alone) ? _averages[shape.Alone].Milliseconds * shape.Factor
            : Similar(shape) is { } similar ? _averages[similar].Milliseconds * shape.Factor / similar.Factor
            : 0;

    private StepShape? Similar(StepShape shape)
    {
        StepShape? similar = null;
        (double, double, TimeSpan) least = default;
        foreach (var (known, average) in _averages)
        {
            var distance = (Distance(known.Tokens, shape.Tokens), Distance(known.Context, shape.Context), -average.Observed);
            if (similar is null || distance.CompareTo(least) < 0) (similar, least) = (known, distance);
        }

        return similar;
    }

    private static double Distance(int x, int y) => Math.Abs(Math.Log2((1.0 + x) / (1.0 + y)));

    private static Average Add(Average average, double milliseconds, TimeSpan now)
    {
        var counted = Math.Min(milliseconds, average.Milliseconds * Outlier);
        return new Average(average.Milliseconds + (StepShare * (counted - average.Milliseconds)), average.Steps + 1, now);
    }

    private readonly record struct Average(double Milliseconds, int Steps, TimeSpan Observed);
}
