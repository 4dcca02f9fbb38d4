using LoraServe.Api.Chat.Tools;
using LoraServe.Engine.Sequences;
using LoraServe.Generation;

namespace LoraServe.Api.Chat;

/// <summary>The growing message of one choice: its text without calls, and its calls.</summary>
/// <param name="parser">Separates calls from the text; null if none are expected.</param>
internal sealed class ChatMessageStream(ToolCallParser? parser)
{
    /// <summary>Number of parts so far.</summary>
    public int PartCount { get; private set; }

    /// <summary>Calls so far.</summary>
    public int CallCount { get; private set; }

    /// <summary>The delta of a part.</summary>
    public MessageDelta Append(ChoicePart part)
    {
        PartCount++;
        if (parser is null) return new MessageDelta(part.Text, []);
        var delta = parser.Append(part.Text);
        if (part.FinishReason is not null)
        {
            var rest = parser.Flush();
            delta = new MessageDelta(delta.Content + rest.Content, [.. delta.ToolCalls, .. rest.ToolCalls]);
        }

        CallCount += delta.ToolCalls.Count;
        return delta;
    }

    /// <summary>The API's name of the finish reason.</summary>
    public string? Name(FinishReason? reason) => reason switch
    {
        null => null,
        FinishReason.Stop when CallCount > 0 => "tool_calls",
        { } other => other.Name(),
    };
}
