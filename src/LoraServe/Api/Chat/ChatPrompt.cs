using LoraServe.Api.Chat.Tools;

namespace LoraServe.Api.Chat;

/// <summary>A conversation as prompt text.</summary>
/// <param name="Text">The text, special tokens spelled out.</param>
/// <param name="ToolCalls">The notation of calls in the answer; null where none are expected.</param>
internal sealed record ChatPrompt(string Text, ToolCallFormat? ToolCalls);
