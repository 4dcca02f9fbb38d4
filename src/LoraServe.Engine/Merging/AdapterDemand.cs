namespace LoraServe.Engine.Merging;

/// <summary>
/// How much an adapter version was used lately, and what a slot of it saves: sums over its steps, which fade exponentially with their age.
/// </summary>
internal sealed class AdapterDemand
{
    /// <summary>
    /// A step of this age counts 1/e, and demand is expected to go on for as long. A guess between merging for a burst (longer) and waiting
    /// until much of a lasting demand is over (shorter); not measured.
    /// </summary>
    public static readonly TimeSpan Memory = TimeSpan.FromSeconds(10);

    private TimeSpan _last;

    /// <summary>Steps.</summary>
    public double Steps { get; private set; }

    /// <summary>Steps without tokens of the base or of another adapter.</summary>
    public double StepsAlone { get; private set; }

    /// <summary>Milliseconds of its steps without a slot.</summary>
    public double Unmerged { get; private set; }

    /// <summary>Milliseconds of the same steps with a slot, used where that is faster.</summary>
    public double Merged { get; private set; }

    /// <summary>Milliseconds of the same steps on the base alone.</summary>
    public double Base { get; private set; }

    /// <summary>Milliseconds that a slot saved or would have saved.</summary>
    public double Saving => Unmerged - Merged;

    /// <summary>Adds a step.</summary>
    /// <param name="unmerged">Milliseconds without a slot.</param>
    /// <param name="merged">Milliseconds with one, at most as many.</param>
    /// <param name="alone">Milliseconds on the base alone.</param>
    /// <param name="isAlone">Whether the step had no other tokens than this adapter's.</param>
    /// <param name="now">Time since the engine's start.</param>
    public void Add(double unmerged, double merged, double alone, bool isAlone, TimeSpan now)
    {
        Fade(now);
        Steps++;
        if (isAlone) StepsAlone++;
        Unmerged += unmerged;
        Merged += merged;
        Base += alone;
    }

    /// <summary>Fades the sums up to now.</summary>
    public void Fade(TimeSpan now)
    {
        var kept = Math.Exp(-((now - _last) / Memory));
        _last = now;
        Steps *= kept;
        StepsAlone *= kept;
        Unmerged *= kept;
        Merged *= kept;
        Base *= kept;
    }
}
