using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Adapters;

/// <summary>Puts together what the outside may know of a name.</summary>
/// <param name="catalog">Names and versions.</param>
/// <param name="residency">Where a version is.</param>
/// <param name="lastUse">When a name was used last since the start.</param>
internal sealed class AdapterDescription(
    AdapterCatalog catalog, Func<string, AdapterResidency> residency, Func<string, DateTimeOffset?> lastUse)
{
    public AdapterInfo Of(AdapterAlias alias) => (alias.IsMix ? OfMix(alias) : OfAdapter(alias)) with
    {
        Name = alias.Name,
        Mode = alias.Mode,
        Pinned = alias.Pinned,
        Weight = alias.Weight,
        LastUse = lastUse(alias.Name) ?? alias.LastUse,
    };

    /// <summary>A saved mix as it is without the splits of its parts; null, and why, if a part has gone.</summary>
    public static ResolvedAdapter? TryResolve(AdapterCatalog catalog, AdapterAlias mix, out AdapterException? reason)
    {
        try
        {
            reason = null;
            return catalog.Resolve(AdapterReference.From([new(mix.Name, 1)]), static () => 1);
        }
        catch (AdapterException e)
        {
            reason = e;
            return null;
        }
    }

    public AdapterVersion Of(AdapterAlias alias, AliasVersion entry)
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
        var known = catalog.Versions[alias.Current!];
        var entry = alias.History.Find(entry => entry.Version == alias.Current)!;
        return entry.Describe(known) with
        {
            Created = entry.Since,
            Split = alias.Split,
            Residency = residency(known.Version),
            Broken = known.Broken,
        };
    }

    private AdapterInfo OfMix(AdapterAlias alias)
    {
        var mix = TryResolve(catalog, alias, out var reason);
        if (mix is null) return Mix(alias, "", []) with { Broken = reason!.Message, BrokenParts = reason.Adapters };
        var broken = mix.Parts.FirstOrDefault(part => part.Version.Broken is not null);
        return Mix(alias, mix.Version, [.. mix.Parts.Select(part => part.Alias.Describe(part.Version))]) with
        {
            Residency = residency(mix.Version),
            Broken = broken is null ? null : $"'{broken.Alias.Name}': {broken.Version.Broken}",
            BrokenParts = broken is null ? [] : [broken.Alias.Name],
        };
    }

    // Ranks are concatenated, so what is counted adds up.
    private static AdapterInfo Mix(AdapterAlias alias, string version, IReadOnlyList<AdapterInfo> parts) => new()
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
