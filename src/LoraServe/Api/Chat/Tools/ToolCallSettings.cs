namespace LoraServe.Api.Chat.Tools;

/// <summary>A request's settings for tool calls.</summary>
internal sealed record ToolCallSettings
{
    /// <summary>Names of the request's tools.</summary>
    public required IReadOnlySet<string> ToolNames { get; init; }

    /// <summary>False keeps the first call alone.</summary>
    public bool IsParallel { get; init; } = true;

    /// <summary>Makes the id of a call without one.</summary>
    public required Func<string> NewId { get; init; }
}
