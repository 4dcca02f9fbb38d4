using System.Collections.Immutable;

namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>All names and versions at one moment. An immutable snapshot, replaced as a whole.</summary>
internal sealed record AdapterCatalog
{
    // No one nests mixes this deeply on purpose.
    private const int MaxDepth = 8;

    public static readonly AdapterCatalog Empty = new();

    public ImmutableSortedDictionary<string, AdapterAlias> Aliases { get; init; } =
        ImmutableSortedDictionary.Create<string, AdapterAlias>(StringComparer.Ordinal);

    public ImmutableDictionary<AdapterVersionId, KnownVersion> Versions { get; init; } = ImmutableDictionary<AdapterVersionId, KnownVersion>.Empty;

    /// <summary>Versions of stored names that are hidden: they must stay in the store.</summary>
    public ImmutableHashSet<AdapterVersionId> Hidden { get; init; } = [];

    public AdapterAlias? Find(string name) => Aliases.GetValueOrDefault(name);

    public AdapterCatalog With(AdapterAlias alias, params IEnumerable<KnownVersion> versions) => With(versions) with
    {
        Aliases = Aliases.SetItem(alias.Name, alias),
    };

    public AdapterCatalog With(IEnumerable<KnownVersion> versions) => this with
    {
        Versions = Versions.SetItems(versions.Select(version => KeyValuePair.Create(version.Version, version))),
    };

    public AdapterCatalog Without(string name) => this with { Aliases = Aliases.Remove(name) };

    public AdapterCatalog Without(IEnumerable<AdapterVersionId> versions) => this with { Versions = Versions.RemoveRange(versions) };

    /// <summary>Versions of a name that no other name has.</summary>
    public IReadOnlyList<AdapterVersionId> OnlyIn(AdapterAlias alias)
    {
        var others = Without(alias.Name).Aliases.Values.SelectMany(other => other.History).Select(entry => entry.Version).ToHashSet();
        return [.. alias.History.Select(entry => entry.Version).Where(version => !others.Contains(version) && !Hidden.Contains(version))];
    }

    /// <summary>Names of the mixes that a name is a part of.</summary>
    public IEnumerable<string> MixesWith(string name) =>
        Aliases.Values.Where(alias => alias.Parts.Any(part => part.Alias == name)).Select(alias => alias.Name);

    /// <summary>The versions that a reference resolves to now.</summary>
    /// <param name="reference">A request's, or that of a saved mix.</param>
    /// <param name="chance">Uniform in [0, 1), asked once for each name that may have a split.</param>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">
    /// An ambiguous version, a mix that contains itself, mixes too deep or with too many parts, parts that cannot be mixed, or coefficients that
    /// leave nothing.
    /// </exception>
    public ResolvedAdapter Resolve(AdapterReference reference, Func<double> chance)
    {
        var leaves = new List<ResolvedPart>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var part in reference.Parts) Expand(part, 1, [], leaves, names, chance);
        var parts = leaves.GroupBy(leaf => leaf.Version.Version)
            .Select(group => group.First() with { Coefficient = group.Sum(leaf => leaf.Coefficient) })
            .Where(leaf => leaf.Coefficient != 0)
            .OrderBy(leaf => leaf.Version.Version.Value, StringComparer.Ordinal)
            .ToList();
        if (parts.Count == 0) throw new InvalidAdapterReferenceException($"'{reference}': the weights leave nothing of its adapters");
        if (parts.Find(leaf => Math.Abs(leaf.Coefficient) > AdapterReference.MaxCoefficient) is { } heavy)
        {
            throw new InvalidAdapterReferenceException(
                $"'{heavy.Alias.Name}': its weights in all mixes come to {heavy.Coefficient}, expected between -{AdapterReference.MaxCoefficient} and "
                + $"{AdapterReference.MaxCoefficient}",
                heavy.Alias.Name);
        }

        var alias = reference.Parts is [{ Coefficient: 1 } single] ? Find(single.Alias) : null;
        var resolved = new ResolvedAdapter(alias?.Name ?? reference.ToString(), parts, names, alias?.Mode ?? default, alias?.Share ?? 1);
        if (resolved.IsMix && parts.Find(leaf => Refusal(leaf.Version.Description) is not null) is { } refused)
        {
            throw new InvalidAdapterReferenceException(
                $"'{refused.Alias.Name}' cannot be mixed: it {Refusal(refused.Version.Description)}", refused.Alias.Name);
        }

        return resolved;
    }

    /// <summary>The first name that points or pointed at a version; null if none does, as with a mix.</summary>
    public string? NameOf(AdapterVersionId version) => Versions.ContainsKey(version) ? Aliases.Values.FirstOrDefault(alias => alias.Has(version))?.Name : null;

    /// <summary>A saved mix without the splits of its parts; null, and why, if a part is gone.</summary>
    public ResolvedAdapter? TryResolve(AdapterAlias mix, out AdapterException? reason)
    {
        try
        {
            reason = null;
            return Resolve(AdapterReference.From([new(mix.Name, 1)]), static () => 1);
        }
        catch (AdapterException e)
        {
            reason = e;
            return null;
        }
    }

    /// <summary>Whether a resolution still holds: no name was removed and no version mended or found damaged.</summary>
    public bool Holds(ResolvedAdapter resolved) =>
        resolved.Parts.All(part => ReferenceEquals(Versions.GetValueOrDefault(part.Version.Version), part.Version))
        && resolved.Names.All(Aliases.ContainsKey);

    /// <summary>The versions that pinned names keep in memory, with their bytes.</summary>
    public IReadOnlyDictionary<AdapterVersionId, long> Pins()
    {
        var pins = new Dictionary<AdapterVersionId, long>();
        foreach (var alias in Aliases.Values.Where(alias => alias.Pinned))
        {
            foreach (var entry in alias.History.Where(entry => entry.Version == alias.Current || entry.Share > 0))
                pins[entry.Version] = Versions[entry.Version].Description.LoadedBytes;
            if (alias.IsMix && TryResolve(alias, out _) is { } mix) pins[mix.Version] = mix.BytesToLoad;
        }

        return pins;
    }

    // As far as descriptions tell; what only the tensors show is refused at load.
    private static string? Refusal(AdapterInfo info) =>
        info.UsesDora ? "is a DoRA, whose scale depends on the sum of all updates"
        : info.InvocationTokens.Count > 0 ? "is an activated LoRA, which acts on a part of the tokens only"
        : info.SavedModules.Count > 0 ? $"replaces {info.SavedModules[0]}, and replaced weights do not add up"
        : null;

    private void Expand(
        AdapterPart part, double coefficient, ImmutableList<string> path, List<ResolvedPart> leaves, HashSet<string> names, Func<double> chance)
    {
        var alias = Find(part.Alias) ?? throw Unknown(part.Alias, path);
        names.Add(alias.Name);
        coefficient *= part.Coefficient;
        if (!alias.IsMix || part.VersionPrefix is not null)
        {
            var version = part.VersionPrefix is { } prefix ? alias.Find(prefix) : alias.Choose(chance());
            if (leaves.Count == AdapterReference.MaxParts)
                throw new InvalidAdapterReferenceException($"a mix has at most {AdapterReference.MaxParts} adapters, those of its mixes included");
            leaves.Add(new ResolvedPart(alias, Versions[version], coefficient));
            return;
        }

        var inside = path.Add(alias.Name);
        if (path.Contains(alias.Name))
            throw new InvalidAdapterReferenceException($"the mix '{alias.Name}' contains itself: {string.Join(" > ", inside)}", inside);
        if (path.Count == MaxDepth)
            throw new InvalidAdapterReferenceException($"mixes within mixes may be {MaxDepth} deep: {string.Join(" > ", inside)}", inside);
        foreach (var inner in alias.Parts) Expand(inner, coefficient, inside, leaves, names, chance);
    }

    private static UnknownAdapterException Unknown(string name, ImmutableList<string> path) => path.IsEmpty
        ? new UnknownAdapterException(name)
        : new UnknownAdapterException(name, $"The adapter '{name}', a part of the mix '{path[^1]}', does not exist.", [name, path[^1]]);
}
