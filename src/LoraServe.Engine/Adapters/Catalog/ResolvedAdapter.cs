using System.Security.Cryptography;
using System.Text;

namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>What a reference resolves to at one moment: versions instead of names.</summary>
/// <param name="Name">The name that responses give.</param>
/// <param name="Parts">The versions, each once, sorted; none with coefficient 0.</param>
/// <param name="Names">All names passed on the way to the versions.</param>
/// <param name="Mode">How it runs where a request does not say.</param>
/// <param name="Share">Its share of the engine.</param>
internal sealed record ResolvedAdapter(
    string Name, IReadOnlyList<ResolvedPart> Parts, IReadOnlyCollection<string> Names, MergeMode Mode, double Share)
{
    /// <summary>Whether tensors have to be combined; a single adapter with coefficient 1 is itself.</summary>
    public bool IsMix => Parts is not [{ Coefficient: 1 }];

    /// <summary>The adapter's version; for a mix the hash of the versions and coefficients of its parts.</summary>
    public AdapterVersionId Version { get; } = Parts is [{ Coefficient: 1 } single] ? single.Version.Version : Hash(Parts);

    /// <summary>Memory that it takes when it is loaded.</summary>
    public long Bytes => Parts.Sum(part => part.Version.Description.LoadedBytes);

    /// <summary>Memory that loading it takes at most at any moment: a mix is made from its parts, which are read one after the other.</summary>
    public long BytesToLoad => (IsMix ? 2 * Bytes : Bytes) + Parts.Max(part => part.Version.Description.LoadingBytes);

    private static AdapterVersionId Hash(IEnumerable<ResolvedPart> parts) => new(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        "mix\n" + string.Concat(parts.Select(part => $"{part.Version.Version} {part.Coefficient:R}\n"))))));
}

/// <summary>A version in a <see cref="ResolvedAdapter"/>.</summary>
/// <param name="Alias">The name that led to it.</param>
/// <param name="Version">The version.</param>
/// <param name="Coefficient">The factor of its update.</param>
internal sealed record ResolvedPart(AdapterAlias Alias, KnownVersion Version, double Coefficient);
