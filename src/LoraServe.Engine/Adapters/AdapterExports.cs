using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;

namespace LoraServe.Engine.Adapters;

/// <summary>Adapters to be taken away.</summary>
/// <param name="names">What references mean.</param>
/// <param name="store">Has the files.</param>
/// <param name="admission">Tells whether they are what they were.</param>
/// <param name="mixes">Writes those that have no files.</param>
internal sealed class AdapterExports(AdapterNames names, AdapterStore store, AdapterAdmission admission, MixExports mixes)
{
    /// <summary>
    /// The files of an adapter as they were accepted, or a PEFT folder of what a mix is served as, its parts' ranks concatenated and their
    /// weights folded in. Where a name is split between versions, the current one. Other adapters than those of this base are given as they
    /// lie on the disk.
    /// </summary>
    /// <param name="reference">An adapter, a version of one, or a mix.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">It is ambiguous, or a mix that cannot be expressed; the message says why.</exception>
    /// <exception cref="DamagedAdapterException">Its files were changed or damaged since it was accepted.</exception>
    /// <exception cref="AdapterCacheFullException">There is no memory for the mix.</exception>
    /// <exception cref="TooManyExportsException">Too many mixes are being taken away.</exception>
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
                // It was removed or mended while it was being read.
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

    // Null for what another base accepted: how its tensors are to be read is not known here, only whether its files are the same.
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
