namespace LoraServe.Audit;

/// <summary>What can be done to adapters, files, jobs and keys.</summary>
internal static class AuditAction
{
    public const string AdapterCreated = "adapter.created";
    public const string AdapterReplaced = "adapter.replaced";
    public const string AdapterTruncated = "adapter.truncated";
    public const string AdapterMixed = "adapter.mixed";
    public const string AdapterRolledBack = "adapter.rolled_back";
    public const string AdapterUpdated = "adapter.updated";
    public const string AdapterDeleted = "adapter.deleted";
    public const string AdapterMerged = "adapter.merged";
    public const string AdapterUnmerged = "adapter.unmerged";
    public const string AdapterTrained = "adapter.trained";
    public const string AdapterPromoted = "adapter.promoted";
    public const string FileCreated = "file.created";
    public const string FileDeleted = "file.deleted";
    public const string JobCreated = "job.created";
    public const string JobCancelled = "job.cancelled";
    public const string JobPaused = "job.paused";
    public const string JobResumed = "job.resumed";
    public const string JobDeleted = "job.deleted";
    public const string KeyCreated = "key.created";
    public const string KeyRevoked = "key.revoked";
}
