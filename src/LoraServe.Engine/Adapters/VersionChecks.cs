using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// Checks versions before use. Those already checked for this base are taken as they are; others, for example because the server
/// has another base now, are checked first.
/// </summary>
/// <param name="admission">Checks them.</param>
/// <param name="store">Has their files.</param>
/// <param name="names">Record findings.</param>
/// <param name="time">Dates findings.</param>
internal sealed class VersionChecks(AdapterAdmission admission, AdapterStore store, AdapterNames names, TimeProvider time)
{
    /// <summary>The same adapter, with versions that can be used on this base as far as is known.</summary>
    /// <exception cref="DamagedAdapterException">A part cannot be used.</exception>
    public async Task<ResolvedAdapter> CheckAsync(ResolvedAdapter resolved, CancellationToken cancellationToken) =>
        resolved with { Parts = [.. await Task.WhenAll(resolved.Parts.Select(part => CheckAsync(part, cancellationToken)))] };

    private async Task<ResolvedPart> CheckAsync(ResolvedPart part, CancellationToken cancellationToken)
    {
        var known = part.Version;
        if (known.CheckedAgainst != admission.Rules)
        {
            using var turn = await admission.Turns.TakeAsync(cancellationToken);
            known = await Task.Run(() => Recheck(part), cancellationToken);
        }

        return known.Broken is null ? part with { Version = known } : throw new DamagedAdapterException(part.Alias.Name, known.Broken);
    }

    private KnownVersion Recheck(ResolvedPart part)
    {
        var version = part.Version.Version;
        // Another request may have done it meanwhile.
        if (names.Catalog.Versions.GetValueOrDefault(version) is { } current && current.CheckedAgainst == admission.Rules) return current;
        var known = part.Version with { CheckedAgainst = admission.Rules, Broken = null };
        try
        {
            var info = admission.Check("unnamed", store.FolderOf(part), time.GetUtcNow(), allowNoEffect: true, inMemory: true);
            known = info.Version == version
                ? known with { Description = info }
                : known with { Broken = $"its files are damaged: they hash to {info.Version} instead of {version}." };
        }
        catch (InvalidAdapterException e)
        {
            known = known with { Broken = $"{e.Message}." };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DamagedAdapterException(part.Alias.Name, "its files cannot be read.", e);
        }

        names.Learn(part.Version, known);
        return known;
    }
}
