using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Peft;

namespace LoraServe.Engine.Adapters;

/// <content>Adapters to be taken away.</content>
public sealed partial class AdapterManager
{
    // Each has a file of its own on the disk as long as it is being read.
    private const int ConcurrentMixExports = 4;

    private static readonly TimeSpan MixExportPatience = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _mixExports = new(ConcurrentMixExports);

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
            var resolved = Catalog.Resolve(reference, static () => 1);
            try
            {
                return resolved.IsMix
                    ? await ExportMixAsync(resolved, cancellationToken)
                    : await RunCheckAsync(() => Export(resolved.Parts[0]), cancellationToken);
            }
            catch (Exception e) when (e is not (OperationCanceledException or TooManyExportsException) && HasChanged(resolved))
            {
                // It was removed or mended while it was being read.
            }
        }
    }

    /// <summary>All names on the way from a reference to its versions, those of the parts of saved mixes among them.</summary>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference cannot be a mix, or a version is ambiguous.</exception>
    public IReadOnlyCollection<string> NamesBehind(AdapterReference reference) => Catalog.Resolve(reference, static () => 1).Names;

    private AdapterExport Export(ResolvedPart part)
    {
        var (name, version) = (part.Alias.Name, part.Version.Version);
        var folder = FolderOf(part.Alias, version);
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
    private string? HashOf(string folder, bool inMemory)
    {
        try
        {
            using var peft = _admission.Open(folder, allowNoEffect: true, inMemory);
            return peft.Version;
        }
        catch (InvalidAdapterException e) when (e.Kind == AdapterFault.Incompatible)
        {
            return null;
        }
    }

    private async Task<AdapterExport> ExportMixAsync(ResolvedAdapter mix, CancellationToken cancellationToken)
    {
        if (!await _mixExports.WaitAsync(MixExportPatience, cancellationToken)) throw new TooManyExportsException();
        MixFolder? folder = null;
        try
        {
            folder = new MixFolder(BeginUpload(), _mixExports);
            mix = await CheckAsync(mix, cancellationToken);
            using var lease = await HoldAsync(mix, cancellationToken);
            return await Task.Run(() => Export(mix, lease, folder), cancellationToken);
        }
        catch (Exception e)
        {
            if (folder is null) _mixExports.Release();
            else folder.Dispose();
            if (e is DamagedVersionException damaged) throw Damaged(mix, damaged);
            throw;
        }
    }

    private AdapterExport Export(ResolvedAdapter mix, AdapterLease lease, MixFolder folder)
    {
        PeftMix.Write(folder.Path, lease.Adapter, _admission.BaseName);
        if (_loader.TemplatesOf(lease.Adapter) is not null)
        {
            // All parts have the same.
            var source = FolderOf(mix.Parts[0].Alias, mix.Parts[0].Version.Version);
            foreach (var file in AdapterFiles.Templates.Where(file => File.Exists(Path.Combine(source, file))))
                File.Copy(Path.Combine(source, file), Path.Combine(folder.Path, file));
        }

        return AdapterExport.Open(folder.Path, mix.Name, mix.Version, folder);
    }

    private sealed class MixFolder(AdapterUpload upload, SemaphoreSlim exports) : IDisposable
    {
        private int _disposed;

        public string Path => upload.Folder;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
            try
            {
                upload.Dispose();
            }
            finally
            {
                exports.Release();
            }
        }
    }
}
