namespace LoraServe.Api.Chat.Tools;

/// <summary>The change to a message by a piece of generated text.</summary>
/// <param name="Content">Text for the reader.</param>
/// <param name="ToolCalls">Newly completed calls, in order.</param>
internal readonly record struct MessageDelta(string Content, IReadOnlyList<ToolCall> ToolCalls);
