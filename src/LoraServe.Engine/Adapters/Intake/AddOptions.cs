namespace LoraServe.Engine.Adapters.Intake;

/// <summary>How an upload is stored.</summary>
public sealed record AddOptions
{
    /// <summary>Whether the name may move from another version, which stays in its history for rollback.</summary>
    public bool Replace { get; init; }

    /// <summary>Whether an adapter without any effect is accepted.</summary>
    public bool AllowNoEffect { get; init; }

    /// <summary>Where it comes from, for people; null if unknown or unchanged.</summary>
    public string? Provenance { get; init; }

    /// <summary>The name and version that it was made from, which must still exist when it is stored; null if there is none.</summary>
    internal (string Name, AdapterVersionId Version)? Source { get; init; }
}
