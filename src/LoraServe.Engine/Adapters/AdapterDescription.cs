using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;

namespace LoraServe.Engine.Adapters;

/// <summary>Builds the public description of a name.</summary>
/// <param name="catalog">Names and versions.</param>
/// <param name="cache">Tells where a version is.</param>
/// <param name="uses">Know when a name was last used since the start.</param>
internal sealed class AdapterDescription(AdapterCatalog catalog, AdapterCache cache, AdapterUses uses)
{
    /// <summary>All adapters and saved mixes, sorted by name.</summary>
    public IReadOnlyList<AdapterInfo> All() => [.. catalog.Aliases.Values.Select(Of)];

    /// <summary>The adapter or saved mix of this name, or null.</summary>
    public AdapterInfo? Find(string name) => catalog.Find(name) is { } alias ? Of(alias) : null;

    /// <summary>The versions that a name points at or pointed at, the newest first; none for a mix.</summary>
    /// <exception cref="UnknownAdapterException">No adapter has this name.</exception>
    public IReadOnlyList<AdapterVersion> Versions(string name)
    {
        var alias = catalog.Find(name) ?? throw new UnknownAdapterException(name);
        return [.. alias.History.Select(entry => Of(alias, entry))];
    }

    /// <summary>A name and what it points at.</summary>
    public AdapterInfo Of(AdapterAlias alias) => (alias.IsMix ? OfMix(alias) : OfAdapter(alias)) with
    {
        Name = alias.Name,
        Mode = alias.Mode,
        Pinned = alias.Pinned,
        Share = alias.Share,
        LastUse = uses.LastUse(alias.Name) ?? alias.LastUse,
    };

    private AdapterVersion Of(AdapterAlias alias, AliasVersion entry)
    {
        var known = catalog.Versions[entry.Version];
        var isCurrent = entry.Version == alias.Current;
        var share = isCurrent ? 1 - alias.History.Sum(other => other.Share) : entry.Share;
        var description = entry.Describe(known);
        return new AdapterVersion(
            entry.Version, entry.Since, isCurrent, Math.Max(0, share), description.SizeBytes, description.Rank, known.Broken);
    }

    private AdapterInfo OfAdapter(AdapterAlias alias)
    {
        var known = catalog.Versions[alias.Current!.Value];
        var entry = alias.History.Find(entry => entry.Version == alias.Current)!;
        return entry.Describe(known) with
        {
            Created = entry.Since,
            Split = alias.Split,
            Residency = cache.ResidencyOf(known.Version),
            Broken = known.Broken,
        };
    }

    private AdapterInfo OfMix(AdapterAlias alias)
    {
        var mix = catalog.TryResolve(alias, out var reason);
        if (mix is null) return Mix(alias, new AdapterVersionId(""), []) with { Broken = reason!.Message, BrokenParts = reason.Adapters };
        var broken = mix.Parts.FirstOrDefault(part => part.Version.Broken is not null);
        return Mix(alias, mix.Version, [.. mix.Parts.Select(part => part.Alias.Describe(part.Version))]) with
        {
            Residency = cache.ResidencyOf(mix.Version),
            Broken = broken is null ? null : $"'{broken.Alias.Name}': {broken.Version.Broken}",
            BrokenParts = broken is null ? [] : [broken.Alias.Name],
        };
    }

    // Ranks are concatenated, so what is counted adds up.
    private static AdapterInfo Mix(AdapterAlias alias, AdapterVersionId version, IReadOnlyList<AdapterInfo> parts) => new()
    {
        Name = alias.Name,
        Version = version,
        Rank = parts.Sum(part => part.Rank),
        Alpha = parts.Sum(part => part.Rank),
        UsesRsLora = false,
        TargetModules = [.. parts.SelectMany(part => part.TargetModules).Distinct().Order(StringComparer.Ordinal)],
        ModuleCount = parts.Select(part => part.ModuleCount).DefaultIfEmpty().Max(),
        Parameters = parts.Sum(part => part.Parameters),
        SizeBytes = parts.Sum(part => part.SizeBytes),
        LoadedBytes = parts.Sum(part => part.LoadedBytes),
        BaseModelName = parts.Select(part => part.BaseModelName).FirstOrDefault(),
        Created = alias.Created,
        Warnings = [],
        Parts = alias.Parts,
    };
}
