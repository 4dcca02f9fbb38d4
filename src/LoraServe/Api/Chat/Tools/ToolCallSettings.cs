namespace LoraServe.Api.Chat.Tools;

/// <summary>What a request says about the calls that it expects.</summary>
internal sealed record ToolCallSettings
{
    /// <summary>Names of the request's tools.</summary>
    public required IReadOnlySet<string> ToolNames { get; init; }

    /// <summary>False keeps the first call alone.</summary>
    public bool IsParallel { get; init; } = true;

    /// <summary>Makes the id of a call that the model gave none.</summary>
    public required Func<string> NewId { get; init; }
}
