namespace LoraServe.Engine.Adapters.Intake;

/// <summary>How an upload is stored.</summary>
public sealed record AddOptions
{
    /// <summary>Whether the name may be moved from another version, which it keeps for rollback.</summary>
    public bool Replace { get; init; }

    /// <summary>Whether an adapter is taken that would act as the bare base model.</summary>
    public bool AllowNoEffect { get; init; }

    /// <summary>Where it comes from, for people; null: unknown, or as it was.</summary>
    public string? Provenance { get; init; }

    /// <summary>The name and version that it is made from, which must still be there when it is stored; null: it is made from none.</summary>
    internal (string Name, AdapterVersionId Version)? Source { get; init; }
}
