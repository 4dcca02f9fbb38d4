using System.Globalization;
using System.Text.Json.Nodes;
using LoraServe.Jobs;

namespace LoraServe.Api.FineTuning;

/// <summary>Something that happened to a training.</summary>
public sealed record FineTuningEventResource
{
    private const string Prefix = "ftevent-";

    /// <summary>Higher is later.</summary>
    /// <example>ftevent-42</example>
    public required string Id { get; init; }

    /// <summary>Always fine_tuning.job.event.</summary>
    /// <example>fine_tuning.job.event</example>
    public string Object { get; init; } = "fine_tuning.job.event";

    /// <summary>When it happened, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long CreatedAt { get; init; }

    /// <summary>info, warn or error.</summary>
    /// <example>info</example>
    public required JobEventLevel Level { get; init; }

    /// <summary>For a person.</summary>
    /// <example>Step 88/400: training loss=0.1500</example>
    public required string Message { get; init; }

    /// <summary>message, or metrics for the figures of a step.</summary>
    /// <example>metrics</example>
    public required string Type { get; init; }

    /// <summary>The figures of a step; empty for a message.</summary>
    /// <example>{"step": 88, "total_steps": 400, "train_loss": 0.15}</example>
    public required JsonObject Data { get; init; }

    internal static FineTuningEventResource From(JobEvent happened) => new()
    {
        Id = $"{Prefix}{happened.Number}",
        CreatedAt = happened.Time!.Value.ToUnixTimeSeconds(),
        Level = happened.Level,
        Message = happened.Message,
        Type = happened.Data is null ? "message" : "metrics",
        Data = happened.Data ?? [],
    };

    /// <summary>The number of an id, or null.</summary>
    internal static long? TryParse(string id) =>
        id.StartsWith(Prefix, StringComparison.Ordinal)
        && long.TryParse(id.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}

/// <summary>What happened to a training, the newest first.</summary>
public sealed record FineTuningEventList
{
    /// <summary>Always list.</summary>
    /// <example>list</example>
    public string Object { get; init; } = "list";

    /// <summary>The events.</summary>
    public required IReadOnlyList<FineTuningEventResource> Data { get; init; }

    /// <summary>Whether there are older ones: ask again with after = the last id.</summary>
    /// <example>false</example>
    public required bool HasMore { get; init; }
}
