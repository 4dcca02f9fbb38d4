namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>A version and what was found out about it. An immutable snapshot.</summary>
internal sealed record KnownVersion
{
    /// <summary>What its content is like, under no name.</summary>
    public required AdapterInfo Description { get; init; }

    /// <summary>The base, and the rules, against which it was checked last; what was checked against others is checked again before use.</summary>
    public required string CheckedAgainst { get; init; }

    /// <summary>When it first came into the store.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Where it comes from, of names from before <see cref="AliasVersion.Origin"/> was kept.</summary>
    public string? Provenance { get; init; }

    /// <summary>Why it cannot be loaded; null if nothing is known against it.</summary>
    public string? Broken { get; init; }

    public AdapterVersionId Version => Description.Version;
}
