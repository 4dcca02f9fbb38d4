using System.Text.Json;

namespace LoraServe.Jobs;

/// <summary>Where a job is in its life. A paused one is queued.</summary>
public enum JobStatus
{
    /// <summary>Its files are being read.</summary>
    ValidatingFiles,

    /// <summary>Waiting for its turn, or paused.</summary>
    Queued,

    /// <summary>Running.</summary>
    Running,

    /// <summary>Completed.</summary>
    Succeeded,

    /// <summary>It ended with an error.</summary>
    Failed,

    /// <summary>Ended by a caller.</summary>
    Cancelled,
}

/// <summary>Names of states as the API writes them.</summary>
internal static class JobStatusNames
{
    /// <summary>validating_files, queued, ...</summary>
    public static string Of(JobStatus status) => JsonNamingPolicy.SnakeCaseLower.ConvertName(status.ToString());
}
