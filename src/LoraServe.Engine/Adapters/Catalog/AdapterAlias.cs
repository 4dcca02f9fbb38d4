using System.Collections.Immutable;

namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>A name: the version it points at, its history, and how it is served. An immutable snapshot.</summary>
internal sealed record AdapterAlias
{
    public required string Name { get; init; }

    public required DateTimeOffset Created { get; init; }

    public MergeMode Mode { get; init; }

    public double Share { get; init; } = 1;

    public bool Pinned { get; init; }

    /// <summary>As read at start; later uses are counted elsewhere.</summary>
    public DateTimeOffset? LastUse { get; init; }

    /// <summary>The version that the name points at, one of the history; null for a mix.</summary>
    public AdapterVersionId? Current { get; init; }

    /// <summary>Newest first.</summary>
    public ImmutableList<AliasVersion> History { get; init; } = [];

    /// <summary>What a saved mix is made of; empty for an adapter.</summary>
    public ImmutableList<AdapterPart> Parts { get; init; } = [];

    /// <summary>Where its files are if they come from the folder given at start, which only the operator changes.</summary>
    public string? Folder { get; init; }

    public bool IsMix => Parts.Count > 0;

    /// <summary>Shares of other versions than the current one.</summary>
    public ImmutableDictionary<AdapterVersionId, double> Split => ImmutableDictionary<AdapterVersionId, double>.Empty.AddRange(
        History.Where(entry => entry.Share > 0).Select(entry => KeyValuePair.Create(entry.Version, entry.Share)));

    /// <summary>
    /// Points the name at a version, for all requests from now on. The previous one comes next in the history, even if it had
    /// been rolled back to, so that rolling back undoes this.
    /// </summary>
    /// <param name="version">Whether it is in the history or new.</param>
    /// <param name="now">When it happens.</param>
    /// <param name="origin">What came with the upload; null if only the content is known.</param>
    public AdapterAlias MoveTo(AdapterVersionId version, DateTimeOffset now, AdapterOrigin? origin = null)
    {
        var undone = History.Where(entry => entry.Version == Current);
        var rest = History.Where(entry => entry.Version != version && entry.Version != Current);
        ImmutableList<AliasVersion> history = [new AliasVersion(version, now, 0) { Origin = origin }, .. undone, .. rest];
        return this with { Current = version, Parts = [], History = WithoutShares(history) };
    }

    /// <summary>Replaces what came with the current version, whose files were uploaded again.</summary>
    public AdapterAlias WithOrigin(AdapterOrigin origin) => this with
    {
        History = History.ConvertAll(entry => entry.Version == Current ? entry with { Origin = origin } : entry),
    };

    /// <summary>Points the name at an older version again, for all requests.</summary>
    public AdapterAlias RollbackTo(AdapterVersionId version) => this with { Current = version, History = WithoutShares(History) };

    /// <summary>A version of the history as seen under this name.</summary>
    public AdapterInfo Describe(KnownVersion known) => History.Find(entry => entry.Version == known.Version)!.Describe(known);

    /// <summary>Whether a version is in its history.</summary>
    public bool Has(AdapterVersionId version) => History.Exists(entry => entry.Version == version);

    /// <summary>The version after the current one in the history; null if that is the oldest.</summary>
    public AdapterVersionId? Previous() => History.ElementAtOrDefault(History.FindIndex(entry => entry.Version == Current) + 1)?.Version;

    /// <summary>The one version of the history with this prefix.</summary>
    /// <exception cref="UnknownAdapterException">There is none.</exception>
    /// <exception cref="InvalidAdapterReferenceException">There are several.</exception>
    public AdapterVersionId Find(string prefix)
    {
        var found = History.Where(entry => entry.Version.Value.StartsWith(prefix, StringComparison.Ordinal)).ToList();
        return found.Count switch
        {
            1 => found[0].Version,
            0 => throw new UnknownAdapterException(
                $"{Name}@{prefix}",
                IsMix ? $"'{Name}' is a mix, which has no versions." : $"The adapter '{Name}' has no version that begins with '{prefix}'.",
                [Name]),
            _ => throw new InvalidAdapterReferenceException($"{found.Count} versions of '{Name}' begin with '{prefix}': give more of it", Name),
        };
    }

    /// <summary>The version for one request.</summary>
    /// <param name="chance">Uniform in [0, 1).</param>
    public AdapterVersionId Choose(double chance)
    {
        foreach (var entry in History)
        {
            chance -= entry.Share;
            if (chance < 0) return entry.Version;
        }

        return Current!.Value;
    }

    private static ImmutableList<AliasVersion> WithoutShares(ImmutableList<AliasVersion> history) =>
        history.ConvertAll(entry => entry with { Share = 0 });
}

/// <summary>A version in the history of a name.</summary>
/// <param name="Version">SHA-256, lower-case hexadecimal.</param>
/// <param name="Since">When the name was given to it.</param>
/// <param name="Share">The share of requests that this version gets although the name points to another.</param>
internal sealed record AliasVersion(AdapterVersionId Version, DateTimeOffset Since, double Share)
{
    /// <summary>What came with the upload; null if it was kept with the version, as in earlier releases.</summary>
    public AdapterOrigin? Origin { get; init; }

    /// <summary>The version as seen under the name.</summary>
    public AdapterInfo Describe(KnownVersion known) =>
        Origin?.ApplyTo(known.Description) ?? known.Description with { Provenance = known.Provenance };
}
