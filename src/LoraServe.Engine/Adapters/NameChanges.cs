using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <summary>Changes of names without an upload: rollback, settings, saved mixes, removal.</summary>
/// <param name="names">The names to change.</param>
/// <param name="admission">Checks new names.</param>
/// <param name="uses">A name in use is not removed.</param>
/// <param name="time">Dates new names.</param>
/// <param name="logger">Logs removals.</param>
internal sealed partial class NameChanges(AdapterNames names, AdapterAdmission admission, AdapterUses uses, TimeProvider time, ILogger logger)
{
    /// <summary>Points a name at an older version again, for all of its requests from now on.</summary>
    /// <param name="name">An adapter.</param>
    /// <param name="toVersionPrefix">The prefix of a version in its history; null for the one before the current one.</param>
    /// <exception cref="UnknownAdapterException">There is no such name or version.</exception>
    /// <exception cref="InvalidAdapterReferenceException">
    /// Several versions have this prefix, or there is no version before the current one.
    /// </exception>
    /// <exception cref="AdapterReadOnlyException">The name comes from the folder given at start.</exception>
    /// <exception cref="InvalidAdapterPatchException">The name is pinned, and all pinned adapters would not fit into memory.</exception>
    public AdapterInfo Rollback(string name, string? toVersionPrefix)
    {
        using var change = names.BeginChange();
        var alias = Find(name);
        if (alias.Folder is not null) throw new AdapterReadOnlyException(name);
        var version = toVersionPrefix is not null ? alias.Find(toVersionPrefix)
            : alias.Previous() ?? throw new InvalidAdapterReferenceException($"'{name}' has no version before its current one");
        return names.Commit(alias.RollbackTo(version));
    }

    /// <summary>Changes how a name is served.</summary>
    /// <exception cref="UnknownAdapterException">There is no such name.</exception>
    /// <exception cref="InvalidAdapterPatchException">The changes cannot be made; the message lists every fault.</exception>
    public AdapterInfo Update(string name, AdapterPatch patch)
    {
        using var change = names.BeginChange();
        return names.Commit(patch.Apply(Find(name)));
    }

    /// <summary>Saves a mix under a name, replacing a mix that had it.</summary>
    /// <param name="name">As of an adapter.</param>
    /// <param name="parts">Adapters, versions of adapters, and saved mixes; at most 8 adapters in total.</param>
    /// <exception cref="InvalidAdapterException">The name is refused.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The parts cannot be mixed; the message says why.</exception>
    /// <exception cref="UnknownAdapterException">A part does not exist.</exception>
    /// <exception cref="AdapterExistsException">The name belongs to an adapter.</exception>
    /// <exception cref="InvalidAdapterPatchException">The name is pinned, and all pinned adapters would not fit into memory.</exception>
    public AdapterInfo SaveMix(string name, IReadOnlyList<AdapterPart> parts)
    {
        admission.CheckName(name);
        var reference = AdapterReference.From(parts);
        using var change = names.BeginChange();
        var old = names.Catalog.Find(name);
        if (old is { Folder: not null }) throw new AdapterReadOnlyException(name);
        if (old is { IsMix: false }) throw new AdapterExistsException(name);
        var alias = (old ?? new AdapterAlias { Name = name, Created = time.GetUtcNow() }) with { Parts = [.. reference.Parts] };
        names.Catalog.With(alias).Resolve(AdapterReference.From([new(name, 1)]), static () => 1);
        return names.Commit(alias);
    }

    /// <summary>Removes a name and its history; false if there was none. Running requests finish on the version they hold.</summary>
    /// <param name="name">An adapter or a saved mix.</param>
    /// <param name="force">Whether to remove it even while requests or mixes use it.</param>
    /// <exception cref="AdapterInUseException">Requests or mixes use it.</exception>
    /// <exception cref="AdapterReadOnlyException">The name comes from the folder given at start.</exception>
    public bool Remove(string name, bool force)
    {
        using var change = names.BeginChange();
        if (names.Catalog.Find(name) is not { } alias) return false;
        if (alias.Folder is not null) throw new AdapterReadOnlyException(name);
        if (!force) ThrowIfInUse(name);
        names.Remove(alias);
        LogRemoved(logger, name);
        return true;
    }

    private AdapterAlias Find(string name) => names.Catalog.Find(name) ?? throw new UnknownAdapterException(name);

    private void ThrowIfInUse(string name)
    {
        if (uses.IsInUse(name)) throw new AdapterInUseException(name, mix: null);
        if (names.Catalog.MixesWith(name).FirstOrDefault(mix => mix != name) is { } mix) throw new AdapterInUseException(name, mix);
    }

    [LoggerMessage(LogLevel.Information, "Removed adapter {Name}")]
    private static partial void LogRemoved(ILogger logger, string name);
}
