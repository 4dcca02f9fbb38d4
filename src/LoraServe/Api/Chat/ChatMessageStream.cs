using LoraServe.Api.Chat.Tools;
using LoraServe.Engine.Sequences;
using LoraServe.Generation;

namespace LoraServe.Api.Chat;

/// <summary>The message of one choice as it grows: its text without calls, and its calls.</summary>
/// <param name="parser">Takes calls out of the text; null where none are expected.</param>
internal sealed class ChatMessageStream(ToolCallParser? parser)
{
    /// <summary>How many parts came before.</summary>
    public int PartCount { get; private set; }

    /// <summary>Calls so far.</summary>
    public int CallCount { get; private set; }

    /// <summary>What a part adds.</summary>
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

    /// <summary>How the API calls the end of a choice.</summary>
    public string? Name(FinishReason? reason) => reason switch
    {
        null => null,
        FinishReason.Stop when CallCount > 0 => "tool_calls",
        { } other => other.Name(),
    };
}
