using LoraServe.Adapters;
using LoraServe.Audit;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Generation;
using LoraServe.Jobs;
using LoraServe.Keys;

namespace LoraServe.Training;

/// <summary>Brings what trainings made among the adapters that serve, for the account of whoever asked for it.</summary>
internal sealed class TrainedAdapters(AdapterUploads uploads, KeyRing keys)
{
    /// <summary>Gives a name to a PEFT folder; what the name meant before stays in its versions.</summary>
    /// <param name="engine">Serves it.</param>
    /// <param name="job">The job that made it; its owner's quota counts.</param>
    /// <param name="name">A name, new or not.</param>
    /// <param name="folder">A PEFT folder.</param>
    /// <param name="provenance">Where it comes from, for people.</param>
    /// <param name="cancellationToken">Leaves everything as it was.</param>
    /// <exception cref="InvalidAdapterException">It cannot be served, for instance because it has no effect.</exception>
    /// <exception cref="PermissionException">The owner may not store any more.</exception>
    public async Task<AdapterInfo> AddAsync(
        LlmEngine engine, StoredJob job, string name, string folder, string provenance, CancellationToken cancellationToken)
    {
        using var upload = await ReadAsync(engine, folder, cancellationToken);
        var (_, after) = await uploads.AddAsync(
            OwnerOf(job), name, upload, Options(provenance), AuditAction.AdapterTrained, context: null, cancellationToken);
        return after;
    }

    /// <summary>The same for somebody who has just asked for it.</summary>
    /// <returns>What the name stood for before, and what it stands for now.</returns>
    public async Task<(AdapterInfo? Before, AdapterInfo After)> PromoteAsync(
        HttpContext context, LlmEngine engine, string name, string folder, string provenance)
    {
        using var upload = await ReadAsync(engine, folder, context.RequestAborted);
        return await uploads.AddAsync(
            context.User.Caller(), name, upload, Options(provenance), AuditAction.AdapterPromoted, context, context.RequestAborted);
    }

    // What the owner may store was checked when the job was taken in; a key that was revoked since still counts.
    private Caller OwnerOf(StoredJob job) =>
        keys.Find(job.Owner) is { } key ? Caller.Of(key) : Caller.CommandLine with { Id = job.Owner, Name = job.Owner };

    private static AddOptions Options(string provenance) => new() { Replace = true, Provenance = provenance };

    private static async Task<AdapterUpload> ReadAsync(LlmEngine engine, string folder, CancellationToken cancellationToken)
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
