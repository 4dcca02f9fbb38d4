namespace LoraServe.Engine.Lora;

/// <summary>Collects what is wrong with a PEFT folder, so that a person sees all of it at once, and what is merely odd.</summary>
internal sealed class PeftFaults
{
    // A file for another base has a fault per tensor: a message of thousands says no more than one of twenty.
    private const int MaxListed = 20;

    // Names in files are as long as whoever made them likes.
    private const int MaxLength = 4000;

    private readonly List<string> _malformed = [];
    private readonly List<string> _incompatible = [];
    private readonly List<string> _warnings = [];

    public IReadOnlyList<string> Warnings => Shorten(_warnings);

    public bool Any => _malformed.Count + _incompatible.Count > 0;

    /// <summary>It cannot be read.</summary>
    public void Malformed(string fault) => _malformed.Add(Shorten(fault));

    /// <summary>It can be read and not be applied.</summary>
    public void Incompatible(string fault) => _incompatible.Add(Shorten(fault));

    /// <summary>It can be applied.</summary>
    public void Warn(string warning) => _warnings.Add(Shorten(warning));

    public void ThrowIfAny()
    {
        if (Any) throw new InvalidPeftException(Shorten(_malformed), Shorten(_incompatible));
    }

    private static string Shorten(string fault) => fault.Length <= MaxLength ? fault : fault[..MaxLength] + "...";

    private static List<string> Shorten(List<string> faults) =>
        faults.Count <= MaxListed ? faults : [.. faults.Take(MaxListed), $"and {faults.Count - MaxListed} more"];
}
