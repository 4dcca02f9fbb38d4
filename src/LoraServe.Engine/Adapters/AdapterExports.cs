using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;

namespace LoraServe.Engine.Adapters;

/// <summary>Exports of adapters.</summary>
/// <param name="names">Resolve references.</param>
/// <param name="store">Has the files.</param>
/// <param name="admission">Checks whether files are unchanged.</param>
/// <param name="mixes">Writes mixes, which have no files.</param>
internal sealed class AdapterExports(AdapterNames names, AdapterStore store, AdapterAdmission admission, MixExports mixes)
{
    /// <summary>
    /// The files of an adapter as they were accepted, or a PEFT folder of what a mix is served as, its parts' ranks concatenated and their
    /// coefficients folded in. Where a name is split between versions, the current one. Adapters of another base are given as they
    /// are on disk.
    /// </summary>
    /// <param name="reference">An adapter, a version of one, or a mix.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">
    /// The reference is ambiguous, or a mix that PEFT cannot express; the message says why.
    /// </exception>
    /// <exception cref="DamagedAdapterException">Its files were changed or damaged since it was accepted.</exception>
    /// <exception cref="AdapterCacheFullException">There is no memory for the mix.</exception>
    /// <exception cref="TooManyExportsException">Too many mixes are being exported.</exception>
    public async Task<AdapterExport> ExportAsync(AdapterReference reference, CancellationToken cancellationToken)
    {
        while (true)
        {
            var resolved = names.Catalog.Resolve(reference, static () => 1);
            try
            {
                if (resolved.IsMix) return await mixes.ExportAsync(resolved, cancellationToken);
                using var turn = await admission.Turns.TakeAsync(cancellationToken);
                return await Task.Run(() => Export(resolved.Parts[0]), cancellationToken);
            }
            catch (Exception e) when (e is not (OperationCanceledException or TooManyExportsException) && !names.Catalog.Holds(resolved))
            {
                // It was removed or mended while it was read.
            }
        }
    }

    private AdapterExport Export(ResolvedPart part)
    {
        var (name, version) = (part.Alias.Name, part.Version.Version);
        var folder = store.FolderOf(part);
        AdapterExport? export = null;
        try
        {
            export = AdapterExport.Open(folder, name, version);
            var isWhole = HashOf(folder, inMemory: part.Alias.Folder is not null) is { } found
                ? found == version
                : VersionFile.TryRead(folder) is not { } description || !description.Faults(folder).Any();
            return isWhole ? export : throw new DamagedAdapterException(name, "its files have changed since it was accepted.");
        }
        catch (Exception e)
        {
            export?.Dispose();
            if (e is InvalidAdapterException) throw new DamagedAdapterException(name, $"{e.Message}.", e);
            if (e is IOException or UnauthorizedAccessException) throw new DamagedAdapterException(name, "its files cannot be read.", e);
            throw;
        }
    }

    // Null for a version of another base: how to read its tensors is unknown here, only whether its files are unchanged.
    private AdapterVersionId? HashOf(string folder, bool inMemory)
    {
        try
        {
            using var peft = admission.Open(folder, allowNoEffect: true, inMemory);
            return peft.Version;
        }
        catch (InvalidAdapterException e) when (e.Kind == AdapterFault.Incompatible)
        {
            return null;
        }
    }
}
