using LoraServe.Api.Adapters;
using LoraServe.Audit;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Generation;
using LoraServe.Jobs;
using LoraServe.Keys;

namespace LoraServe.Training;

/// <summary>Adds results of trainings to the served adapters, on their owners' accounts.</summary>
internal sealed class TrainedAdapters(LlmEngine engine, AdapterUploads uploads, JobOwners owners, JobStore jobs)
{
    /// <summary>Points a name at a PEFT folder; the name's earlier versions are kept.</summary>
    /// <param name="job">The job that made it; its owner's quota applies.</param>
    /// <param name="name">A name, new or not.</param>
    /// <param name="folder">A PEFT folder.</param>
    /// <param name="provenance">Its origin, as text.</param>
    /// <param name="naming">Called with the version just before the name points to it.</param>
    /// <exception cref="InvalidAdapterException">It cannot be served, for instance because it has no effect.</exception>
    /// <exception cref="PermissionException">The owner may not store more.</exception>
    /// <exception cref="JobFailedException">The owner's key is no longer valid.</exception>
    public async Task<AdapterInfo> AddAsync(
        StoredJob job, string name, string folder, string provenance, Action<string> naming)
    {
        using var upload = await ReadAsync(folder, CancellationToken.None);
        var owner = owners.Of(job);
        using var adapter = await uploads.CheckAsync(owner, name, upload, Options(provenance), CancellationToken.None);
        var (_, after) = await uploads.StoreAsync(
            owner, adapter, () => naming(adapter.Info.Version.Value), AuditAction.AdapterTrained, context: null, CancellationToken.None);
        return after;
    }

    /// <summary>
    /// Whether a job has already pointed a name at its version. That must not happen twice: an operator may have rolled the name back since.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="name">The name.</param>
    /// <param name="version">The version it made, or null.</param>
    public bool Has(StoredJob job, string name, string? version) => version is not null
        && engine.Adapters.Find(name) is not null
        && engine.Adapters.Versions(name).Any(known => known.Version.Value == version && known.Created >= job.Created);

    /// <summary>The same at a caller's request.</summary>
    /// <returns>What the name pointed at before, and what it points at now.</returns>
    /// <exception cref="UnknownJobException">The job or the folder was deleted in the meantime.</exception>
    public async Task<(AdapterInfo? Before, AdapterInfo After)> PromoteAsync(
        HttpContext context, StoredJob job, string name, string folder, string provenance)
    {
        using var upload = await ReadWholeAsync(job, folder, context.RequestAborted);
        var caller = context.User.Caller();
        using var adapter = await uploads.CheckAsync(caller, name, upload, Options(provenance), context.RequestAborted);
        return await uploads.StoreAsync(caller, adapter, naming: null, AuditAction.AdapterPromoted, context, context.RequestAborted);
    }

    private static AddOptions Options(string provenance) => new() { Replace = true, Provenance = provenance };

    private async Task<AdapterUpload> ReadWholeAsync(StoredJob job, string folder, CancellationToken cancellationToken)
    {
        AdapterUpload? upload = null;
        try
        {
            upload = await ReadAsync(folder, cancellationToken);
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // Reported below.
        }

        // From a folder that is being deleted, only some files may have been read; its job is deleted first.
        if (upload is not null && jobs.Find(job.Id) is not null) return upload;
        upload?.Dispose();
        throw new UnknownJobException($"adapter of the {job.Kind}", job.Id);
    }

    private async Task<AdapterUpload> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        var upload = engine.Adapters.BeginUpload();
        try
        {
            foreach (var path in Directory.EnumerateFiles(folder))
            {
                await using var file = File.OpenRead(path);
                await upload.ReadFileAsync(Path.GetFileName(path), file, cancellationToken);
            }

            return upload;
        }
        catch
        {
            upload.Dispose();
            throw;
        }
    }
}
