using System.Text.Json.Nodes;
using LoraServe.Api;

namespace LoraServe.Jobs.Storage;

/// <summary>Jobs and events as rows.</summary>
internal static class JobRowMapper
{
    public static JobRow ToRow(StoredJob job)
    {
        var row = new JobRow
        {
            Id = job.Id,
            Kind = job.Kind,
            Owner = job.Owner,
            Created = job.Created,
            Request = job.Request,
            Status = "",
            Finished = null,
            IsPaused = false,
            Result = null,
            ErrorCode = null,
            ErrorMessage = null,
            ErrorParam = null,
        };
        Write(job, row);
        return row;
    }

    /// <summary>Writes what can change.</summary>
    public static void Write(StoredJob job, JobRow row)
    {
        row.Finished = job.Finished;
        row.Status = job.Status.ToString();
        row.IsPaused = job.IsPaused;
        row.Attempts = job.Attempts;
        row.Result = job.Result;
        row.ErrorCode = job.Error?.Code;
        row.ErrorMessage = job.Error?.Message;
        row.ErrorParam = job.Error?.Param;
    }

    public static StoredJob ToJob(JobRow row) => new()
    {
        Id = row.Id,
        Kind = row.Kind,
        Owner = row.Owner,
        Created = row.Created,
        Finished = row.Finished,
        Status = Enum.Parse<JobStatus>(row.Status),
        IsPaused = row.IsPaused,
        Attempts = row.Attempts,
        Request = row.Request,
        Result = row.Result,
        Error = row.ErrorMessage is { } message ? new JobError(row.ErrorCode!, message, row.ErrorParam) : null,
    };

    public static EventRow ToRow(string jobId, JobEvent happened, DateTimeOffset now) => new()
    {
        JobId = jobId,
        Time = happened.Time ?? now,
        Level = happened.Level.ToString(),
        Message = happened.Message,
        Step = happened.Step,
        Data = happened.Data?.ToJsonString(ApiJson.Options),
    };

    public static JobEvent ToEvent(EventRow row) => new(row.Message)
    {
        Number = row.Number,
        Time = row.Time,
        Level = Enum.Parse<JobEventLevel>(row.Level),
        Step = row.Step,
        Data = row.Data is null ? null : JsonNode.Parse(row.Data)!.AsObject(),
    };
}
