using LoraServe.Text.Faults;

namespace LoraServe.Engine.Peft;

/// <summary>Collects what is wrong with a PEFT folder, so that a person sees it at once, and what is merely odd.</summary>
internal sealed class PeftFaults
{
    // A file for another base has a fault per tensor: a message of thousands says no more than one of twenty.
    private readonly FaultList _malformed = new(refuse: null);
    private readonly FaultList _incompatible = new(refuse: null);
    private readonly FaultList _warnings = new(refuse: null);

    public IReadOnlyList<string> Warnings => First(_warnings, FaultList.Most);

    public bool Any => _malformed.Any || _incompatible.Any;

    /// <summary>It cannot be read.</summary>
    public void Malformed(string fault) => _malformed.Add(fault);

    /// <summary>It can be read and not be applied.</summary>
    public void Incompatible(string fault) => _incompatible.Add(fault);

    /// <summary>It can be applied.</summary>
    public void Warn(string warning) => _warnings.Add(warning);

    public void ThrowIfAny()
    {
        if (!Any) return;
        var malformed = First(_malformed, FaultList.Most);
        throw new InvalidPeftException(malformed, First(_incompatible, Math.Max(1, FaultList.Most - malformed.Count)));
    }

    private static IReadOnlyList<string> First(FaultList faults, int most) => faults.Count <= most
        ? faults.Kept
        : [.. faults.Kept.Take(most - 1), $"and {faults.Count - most + 1} more"];
}
