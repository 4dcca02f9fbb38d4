using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Peft;

namespace LoraServe.Engine.Adapters;

/// <summary>Writes mixes as temporary PEFT folders, deleted once they have been read.</summary>
/// <param name="intake">Creates the folders.</param>
/// <param name="checks">Check parts before use.</param>
/// <param name="residents">Load the mix.</param>
/// <param name="store">Has the files of its parts.</param>
/// <param name="baseName">What the base model is called.</param>
internal sealed class MixExports(
    AdapterIntake intake, VersionChecks checks, AdapterResidents residents, AdapterStore store, string baseName)
{
    // Each has its own file on disk while it is read.
    private const int ConcurrentExports = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Turns _turns = new(ConcurrentExports);

    /// <summary>The folder of a mix.</summary>
    /// <exception cref="InvalidAdapterReferenceException">PEFT cannot express the mix; the message says why.</exception>
    /// <exception cref="DamagedAdapterException">Files of a part were changed or damaged since it was accepted.</exception>
    /// <exception cref="AdapterCacheFullException">There is no memory for it.</exception>
    /// <exception cref="TooManyExportsException">Too many mixes are being exported.</exception>
    public async Task<AdapterExport> ExportAsync(ResolvedAdapter mix, CancellationToken cancellationToken)
    {
        var folder = new MixFolder(await _turns.TryTakeAsync(Patience, cancellationToken) ?? throw new TooManyExportsException());
        try
        {
            folder.Upload = intake.Begin();
            mix = await checks.CheckAsync(mix, cancellationToken);
            using var lease = await residents.HoldAsync(mix, cancellationToken);
            return await Task.Run(() => Write(mix, lease, folder), cancellationToken);
        }
        catch (Exception e)
        {
            folder.Dispose();
            if (e is DamagedVersionException damaged) throw damaged.In(mix);
            throw;
        }
    }

    private AdapterExport Write(ResolvedAdapter mix, AdapterLease lease, MixFolder folder)
    {
        PeftMix.Write(folder.Path, lease.Adapter, baseName);
        // All parts have the same.
        if (residents.TemplatesOf(lease.Adapter) is not null) AdapterFiles.CopyTemplates(store.FolderOf(mix.Parts[0]), folder.Path);
        return AdapterExport.Open(folder.Path, mix.Name, mix.Version, folder);
    }

    private sealed class MixFolder(IDisposable turn) : IDisposable
    {
        private int _disposed;

        public AdapterUpload? Upload { get; set; }

        public string Path => Upload!.Folder;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
            try
            {
                Upload?.Dispose();
            }
            finally
            {
                turn.Dispose();
            }
        }
    }
}
