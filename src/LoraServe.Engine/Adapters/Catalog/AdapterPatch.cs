using LoraServe.Text.Faults;

namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>Changes of how a name is served; null leaves a setting unchanged.</summary>
public sealed record AdapterPatch
{
    /// <summary>
    /// The shares of requests that other versions get, by prefixes of the versions; the rest goes to the version that the
    /// name points at. Empty ends the split.
    /// </summary>
    public IReadOnlyDictionary<string, double>? Split { get; init; }

    /// <summary>How it runs where a request does not say.</summary>
    public MergeMode? Mode { get; init; }

    /// <summary>Whether it stays in memory.</summary>
    public bool? Pinned { get; init; }

    /// <summary>Its share of the engine beside other adapters, 0.01 to 100.</summary>
    public double? Share { get; init; }

    /// <summary>The name with these changes applied.</summary>
    /// <exception cref="InvalidAdapterPatchException">With every fault.</exception>
    internal AdapterAlias Apply(AdapterAlias alias)
    {
        var faults = new FaultList(found => new InvalidAdapterPatchException(found));
        if (Share is { } share && share is not (>= MinShare and <= MaxShare))
            faults.Add($"weight: expected {MinShare} to {MaxShare}, found {share}");
        var shares = Split is null ? null : ReadSplit(alias, Split, faults);
        faults.ThrowIfAny();
        return alias with
        {
            Mode = Mode ?? alias.Mode,
            Pinned = Pinned ?? alias.Pinned,
            Share = Share ?? alias.Share,
            History = shares is null
                ? alias.History
                : alias.History.ConvertAll(entry => entry with { Share = shares.GetValueOrDefault(entry.Version) }),
        };
    }

    private const double MinShare = 0.01;
    private const double MaxShare = 100;

    private static Dictionary<AdapterVersionId, double> ReadSplit(
        AdapterAlias alias, IReadOnlyDictionary<string, double> split, FaultList faults)
    {
        var shares = new Dictionary<AdapterVersionId, double>();
        if (split.Count > alias.History.Count)
        {
            faults.Add($"split: expected at most the {alias.History.Count} versions of '{alias.Name}', found {split.Count}");
            return shares;
        }

        foreach (var (prefix, share) in split)
        {
            if (!(share is >= 0 and <= 1)) faults.Add($"split: '{FaultText.Shorten(prefix)}': expected a share between 0 and 1, found {share}");
            try
            {
                if (!shares.TryAdd(alias.Find(prefix), share)) faults.Add($"split: '{FaultText.Shorten(prefix)}' appears twice");
            }
            catch (Exception e) when (e is UnknownAdapterException or InvalidAdapterReferenceException)
            {
                faults.Add($"split: {e.Message}");
            }
        }

        // Shares such as 0.1 are not exact in binary.
        if (shares.Values.Sum() > 1 + 1e-9) faults.Add($"split: expected shares that sum to at most 1, found {shares.Values.Sum()}");
        if (alias.Current is { } current && shares.Remove(current, out var own) && Math.Abs(shares.Values.Sum() + own - 1) > 1e-9)
            faults.Add("split: the current version gets the rest: leave it out, or let all shares sum to 1");
        return shares;
    }
}
