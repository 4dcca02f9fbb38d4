using LoraServe.Jobs.Storage;
using LoraServe.Keys;

namespace LoraServe.Jobs;

/// <summary>Limits on the number of jobs.</summary>
internal static class JobRoom
{
    // All owners together may have as many jobs as this many owners may have each.
    private const int Owners = 10;

    private static readonly string[] Unfinished =
        [nameof(JobStatus.ValidatingFiles), nameof(JobStatus.Queued), nameof(JobStatus.Running)];

    /// <summary>Refuses one job too many for its owner, or for the server.</summary>
    /// <param name="context">The existing jobs.</param>
    /// <param name="kind">Of the job.</param>
    /// <param name="owner">Who asks for it.</param>
    /// <param name="most">Most jobs of this kind that the owner may have, including paused ones.</param>
    /// <exception cref="JobQueueFullException">There are too many already.</exception>
    /// <exception cref="PermissionException">The owner may not keep more.</exception>
    public static void Check(JobContext context, string kind, Caller owner, int most)
    {
        if (owner.Limits.Jobs is { } kept && context.Jobs.Count(row => row.Owner == owner.Id) >= kept)
        {
            throw new PermissionException(
                $"The API key '{owner.Name}' may keep {kept} trainings, evaluations and rank studies, those that have ended included: delete one "
                    + "of its own first.",
                StorageQuota.Code);
        }

        var unfinished = context.Jobs.Where(row => row.Kind == kind && Unfinished.Contains(row.Status));
        if (unfinished.Count(row => row.Owner == owner.Id) >= most)
            throw new JobQueueFullException($"{most} jobs of yours are waiting already: wait for one to end, or cancel one.");
        if (unfinished.LongCount() >= (long)most * Owners)
            throw new JobQueueFullException($"{(long)most * Owners} jobs are waiting already: wait for one to end.");
    }
}
