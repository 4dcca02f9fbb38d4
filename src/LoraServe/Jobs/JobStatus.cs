using System.Text.Json;

namespace LoraServe.Jobs;

/// <summary>Where a job is in its life. A paused one is queued.</summary>
public enum JobStatus
{
    /// <summary>Its files are being read.</summary>
    ValidatingFiles,

    /// <summary>It waits for its turn, or is paused.</summary>
    Queued,

    /// <summary>It is being worked on.</summary>
    Running,

    /// <summary>It is done.</summary>
    Succeeded,

    /// <summary>It ended with an error.</summary>
    Failed,

    /// <summary>Somebody ended it.</summary>
    Cancelled,
}

/// <summary>Names of states as the API writes them.</summary>
internal static class JobStatusNames
{
    /// <summary>validating_files, queued, ...</summary>
    public static string Of(JobStatus status) => JsonNamingPolicy.SnakeCaseLower.ConvertName(status.ToString());
}
