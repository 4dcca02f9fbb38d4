using System.Collections.Immutable;

namespace LoraServe.Keys;

/// <summary>What a new key shall be.</summary>
internal sealed record NewKey
{
    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>At least one.</summary>
    public required ImmutableHashSet<KeyScope> Scopes { get; init; }

    /// <summary>The adapters that it may use, see and write; none: no adapter.</summary>
    public required IReadOnlyList<AdapterPattern> Adapters { get; init; }

    /// <summary>Whether it may generate on the bare base model.</summary>
    public required bool AllowsBase { get; init; }

    /// <summary>How much it may use.</summary>
    public KeyLimits Limits { get; init; } = KeyLimits.None;

    /// <summary>From when on it is refused; null: never.</summary>
    public DateTimeOffset? Expires { get; init; }
}

/// <summary>A key as it is stored: without its secret. An immutable snapshot.</summary>
internal sealed record ApiKey
{
    /// <summary>Its public id.</summary>
    public required string Id { get; init; }

    /// <summary>SHA-256 of its text.</summary>
    public required ImmutableArray<byte> Hash { get; init; }

    /// <summary>What it may do.</summary>
    public required NewKey Grant { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>When a request came with it last; null before the first. Some seconds old at most.</summary>
    public DateTimeOffset? LastUse { get; init; }

    /// <summary>When it was taken back; null if it was not.</summary>
    public DateTimeOffset? Revoked { get; init; }
}
