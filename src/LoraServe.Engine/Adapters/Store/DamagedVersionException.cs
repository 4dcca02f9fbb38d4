using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>The files of a version cannot be loaded. Thrown to all callers that wait for it, under whatever name.</summary>
/// <param name="part">The version.</param>
/// <param name="reason">Why, as a sentence.</param>
/// <param name="isLasting">Whether another try would fail as well.</param>
/// <param name="inner">The cause, if there is one.</param>
internal sealed class DamagedVersionException(ResolvedPart part, string reason, bool isLasting, Exception? inner = null)
    : Exception(reason, inner)
{
    /// <summary>The version as it was known when it was read.</summary>
    public KnownVersion Known => part.Version;

    public AdapterVersionId Version => Known.Version;

    public bool IsLasting => isLasting;

    /// <summary>The same as an exception about a requested adapter that the version is a part of.</summary>
    public DamagedAdapterException In(ResolvedAdapter asked) =>
        new(asked.Parts.First(part => part.Version.Version == Version).Alias.Name, Message, this);
}
