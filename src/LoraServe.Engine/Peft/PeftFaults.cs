using LoraServe.Text.Faults;

namespace LoraServe.Engine.Peft;

/// <summary>Collects all faults and warnings of a PEFT folder, so that they are reported together.</summary>
internal sealed class PeftFaults
{
    // A file for another base has a fault per tensor: listing thousands says no more than listing twenty.
    private readonly FaultList _malformed = new(refuse: null);
    private readonly FaultList _incompatible = new(refuse: null);
    private readonly FaultList _warnings = new(refuse: null);

    public IReadOnlyList<string> Warnings => First(_warnings, FaultList.Most);

    public bool Any => _malformed.Any || _incompatible.Any;

    /// <summary>Adds a fault that makes a file unreadable.</summary>
    public void Malformed(string fault) => _malformed.Add(fault);

    /// <summary>Adds a fault that makes readable content inapplicable.</summary>
    public void Incompatible(string fault) => _incompatible.Add(fault);

    /// <summary>Adds a warning; the content can still be applied.</summary>
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
