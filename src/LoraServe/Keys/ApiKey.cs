using System.Collections.Immutable;

namespace LoraServe.Keys;

/// <summary>The settings of a new key.</summary>
internal sealed record NewKey
{
    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>At least one.</summary>
    public required ImmutableHashSet<KeyScope> Scopes { get; init; }

    /// <summary>The adapters that the key may use, see and write; empty for none.</summary>
    public required IReadOnlyList<AdapterPattern> Adapters { get; init; }

    /// <summary>Whether it may generate on the base model.</summary>
    public required bool AllowsBase { get; init; }

    /// <summary>How much it may use.</summary>
    public KeyLimits Limits { get; init; } = KeyLimits.None;

    /// <summary>When the key expires; null for never.</summary>
    public DateTimeOffset? Expires { get; init; }
}

/// <summary>A stored key, without its secret. An immutable snapshot.</summary>
internal sealed record ApiKey
{
    /// <summary>Its public id.</summary>
    public required string Id { get; init; }

    /// <summary>SHA-256 of its text.</summary>
    public required ImmutableArray<byte> Hash { get; init; }

    /// <summary>What it may do.</summary>
    public required NewKey Grant { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>When a request last used the key; null before the first. At most some seconds old.</summary>
    public DateTimeOffset? LastUse { get; init; }

    /// <summary>When the key was revoked; null if it was not.</summary>
    public DateTimeOffset? Revoked { get; init; }
}
