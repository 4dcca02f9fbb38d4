namespace LoraServe.Api.Chat.Tools;

/// <summary>What a piece of generated text adds to a message.</summary>
/// <param name="Content">Text for the reader.</param>
/// <param name="ToolCalls">Calls that have become complete, in order.</param>
internal readonly record struct MessageDelta(string Content, IReadOnlyList<ToolCall> ToolCalls);
