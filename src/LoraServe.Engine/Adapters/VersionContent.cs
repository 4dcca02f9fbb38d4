using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Peft;

namespace LoraServe.Engine.Adapters;

/// <summary>Work on the files of a version: its effect on the base, and new versions made from it.</summary>
/// <param name="names">Resolve references.</param>
/// <param name="loader">Opens the files.</param>
/// <param name="analysis">Compares them with the base.</param>
/// <param name="intake">Stores new versions.</param>
internal sealed class VersionContent(AdapterNames names, AdapterLoader loader, EffectAnalysis analysis, AdapterIntake intake)
{
    // Each holds a whole adapter in memory, and takes a core.
    private const int ConcurrentReadings = 2;

    private readonly Turns _turns = new(ConcurrentReadings);

    /// <summary>The same adapter by the version that its name points at now, even if the name moves later.</summary>
    /// <param name="reference">One adapter; where its name is split between versions, the current one.</param>
    /// <exception cref="UnknownAdapterException">The name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference is a mix, or ambiguous.</exception>
    public AdapterReference Exactly(AdapterReference reference)
    {
        var part = SinglePart(reference);
        return AdapterReference.From([new AdapterPart($"{part.Alias.Name}@{part.Version.Version}", 1)]);
    }

    /// <summary>Compares a version's weights with those of the base; its effect on the next token is not measured.</summary>
    /// <param name="reference">One adapter; where its name is split between versions, the current one.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="UnknownAdapterException">The name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference is a mix, or ambiguous.</exception>
    /// <exception cref="DamagedAdapterException">Its files were changed or damaged since it was accepted.</exception>
    public Task<AdapterEffect> AnalyzeAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        ReadAsync(reference, (peft, _) => Task.FromResult(analysis.Compute(peft)), cancellationToken);

    /// <summary>The same for an upload that is not stored yet.</summary>
    /// <param name="adapter">Open.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<AdapterEffect> AnalyzeAsync(CheckedUpload adapter, CancellationToken cancellationToken)
    {
        using var turn = await _turns.TakeAsync(cancellationToken);
        return await Task.Run(() => analysis.Compute(adapter.Peft), cancellationToken);
    }

    /// <summary>
    /// Makes a version whose updates have a lower rank, by their best approximations, to be stored under a name; see
    /// <see cref="AdapterTruncation"/>. The caller disposes it.
    /// </summary>
    /// <param name="reference">One adapter.</param>
    /// <param name="rank">At least 1 and below its own.</param>
    /// <param name="name">The name that gets the new version, the adapter's own or another.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="UnknownAdapterException">The name or version does not exist, or was deleted meanwhile.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference is a mix, or ambiguous.</exception>
    /// <exception cref="InvalidAdapterPatchException">The rank is out of range; the message says what it may be.</exception>
    public Task<TruncatedUpload> TruncateAsync(AdapterReference reference, int rank, string name, CancellationToken cancellationToken) => ReadAsync(
        reference, (peft, part) => TruncateAsync(peft, part, rank, name, cancellationToken), cancellationToken);

    /// <summary>Most bytes that the tensors of a truncation can take: it has no more parameters than the adapter, and all may be float32.</summary>
    /// <param name="reference">One adapter.</param>
    /// <exception cref="UnknownAdapterException">The name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference is a mix, or ambiguous.</exception>
    public long MostTruncatedBytes(AdapterReference reference)
    {
        var info = SinglePart(reference).Version.Description;
        // Other dtypes than float32 have at least two bytes a parameter.
        return info.SizeBytes >= sizeof(float) * info.Parameters ? info.SizeBytes : info.SizeBytes + (2 * info.Parameters);
    }

    private async Task<TruncatedUpload> TruncateAsync(
        PeftAdapter peft, ResolvedPart part, int rank, string name, CancellationToken cancellationToken)
    {
        var upload = intake.Begin();
        try
        {
            var truncation = AdapterTruncation.Write(peft, rank, upload.Folder);
            AdapterFiles.CopyTemplates(peft.Folder, upload.Folder);
            var options = new AddOptions
            {
                Replace = true,
                AllowNoEffect = true,
                Provenance = $"rank {rank} of version {part.Version.Version}, with {truncation.EnergyKept:P2} of its energy",
                Source = (part.Alias.Name, part.Version.Version),
            };
            return new TruncatedUpload(await intake.CheckAsync(name, upload, options, cancellationToken), truncation);
        }
        catch
        {
            upload.Dispose();
            throw;
        }
    }

    private async Task<T> ReadAsync<T>(
        AdapterReference reference, Func<PeftAdapter, ResolvedPart, Task<T>> read, CancellationToken cancellationToken)
    {
        var part = SinglePart(reference);
        using var turn = await _turns.TakeAsync(cancellationToken);
        try
        {
            return await Task.Run(
                async () =>
                {
                    using var peft = Open(part);
                    return await read(peft, part);
                },
                cancellationToken);
        }
        catch (Exception e) when (e is DamagedAdapterException or IOException or UnauthorizedAccessException && !IsNamed(part))
        {
            // Deleted meanwhile, with its files.
            throw new UnknownAdapterException(part.Alias.Name);
        }
    }

    private bool IsNamed(ResolvedPart part) => names.Catalog.Find(part.Alias.Name)?.Has(part.Version.Version) == true;

    private PeftAdapter Open(ResolvedPart part)
    {
        try
        {
            return loader.Open(part);
        }
        catch (DamagedVersionException e)
        {
            throw new DamagedAdapterException(part.Alias.Name, e.Message, e);
        }
    }

    private ResolvedPart SinglePart(AdapterReference reference) =>
        names.Catalog.Resolve(reference, static () => 1) is { IsMix: false, Parts: [var part] }
            ? part
            : throw new InvalidAdapterReferenceException(
                $"'{reference}' is a mix, which has no files of its own: ask for its parts");
}
