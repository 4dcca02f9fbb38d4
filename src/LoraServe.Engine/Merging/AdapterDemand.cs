namespace LoraServe.Engine.Merging;

/// <summary>
/// How much an adapter version was used lately and what a merged slot of it saves: sums over its steps, each of which counts less the longer
/// ago it was.
/// </summary>
internal sealed class AdapterDemand
{
    /// <summary>After this time a step counts 1/e; what was observed is expected to go on for as long.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromSeconds(10);

    private TimeSpan _last;

    /// <summary>Steps.</summary>
    public double Steps { get; private set; }

    /// <summary>Steps without tokens of the base or of another adapter.</summary>
    public double StepsAlone { get; private set; }

    /// <summary>Milliseconds of its steps without a slot.</summary>
    public double Unmerged { get; private set; }

    /// <summary>Milliseconds of its steps with a slot, which is used where that is faster.</summary>
    public double Merged { get; private set; }

    /// <summary>Milliseconds of the same steps on the base alone.</summary>
    public double Base { get; private set; }

    /// <summary>Milliseconds that a slot would have saved, or has saved.</summary>
    public double Saving => Unmerged - Merged;

    /// <summary>Takes note of a step.</summary>
    /// <param name="unmerged">Milliseconds without a slot.</param>
    /// <param name="merged">Milliseconds with one, at most as many.</param>
    /// <param name="alone">Milliseconds on the base alone.</param>
    /// <param name="isAlone">Whether all of the step was this adapter's.</param>
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

    /// <summary>Lets the past fade.</summary>
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
