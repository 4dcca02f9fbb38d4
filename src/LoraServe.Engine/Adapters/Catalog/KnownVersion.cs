namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>A version and what is known about it. An immutable snapshot.</summary>
internal sealed record KnownVersion
{
    /// <summary>The description of its content, without a name.</summary>
    public required AdapterInfo Description { get; init; }

    /// <summary>The base and the rules that it was last checked against; a version checked against others is checked again before use.</summary>
    public required string CheckedAgainst { get; init; }

    /// <summary>When it was first stored.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Where it comes from, for names older than <see cref="AliasVersion.Origin"/>.</summary>
    public string? Provenance { get; init; }

    /// <summary>Why it cannot be loaded; null if no fault is known.</summary>
    public string? Broken { get; init; }

    public AdapterVersionId Version => Description.Version;
}
