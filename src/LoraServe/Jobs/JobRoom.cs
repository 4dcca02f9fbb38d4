using LoraServe.Jobs.Storage;
using LoraServe.Keys;

namespace LoraServe.Jobs;

/// <summary>How many jobs there may be.</summary>
internal static class JobRoom
{
    // All owners together may have as many jobs as so many of them may have each.
    private const int Owners = 10;

    private static readonly string[] Unfinished =
        [nameof(JobStatus.ValidatingFiles), nameof(JobStatus.Queued), nameof(JobStatus.Running)];

    /// <summary>Refuses what would be one job too many for its owner, or for the server.</summary>
    /// <param name="context">With the jobs that there are.</param>
    /// <param name="kind">Of the job.</param>
    /// <param name="owner">Who asks for it.</param>
    /// <param name="most">Of this kind that the owner may have, paused ones included.</param>
    /// <exception cref="JobQueueFullException">It would be.</exception>
    /// <exception cref="PermissionException">It would be more than the owner may keep.</exception>
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
