using System.Text.Json.Nodes;

namespace LoraServe.Jobs;

/// <summary>An event of a job.</summary>
/// <param name="Message">For a person.</param>
internal sealed record JobEvent(string Message)
{
    /// <summary>Higher is later; 0 before it is stored.</summary>
    public long Number { get; init; }

    /// <summary>The time of storing, if not set earlier.</summary>
    public DateTimeOffset? Time { get; init; }

    public JobEventLevel Level { get; init; } = JobEventLevel.Info;

    /// <summary>The step of a training that it is about.</summary>
    public int? Step { get; init; }

    /// <summary>Figures; null for a message.</summary>
    public JsonObject? Data { get; init; }
}

/// <summary>How grave an event is.</summary>
public enum JobEventLevel
{
    /// <summary>Information.</summary>
    Info,

    /// <summary>A warning.</summary>
    Warn,

    /// <summary>The error that ended the job.</summary>
    Error,
}
