using System.Text.Json;
using LoraServe.Api.Requests;
using LoraServe.Text.Templates;

namespace LoraServe.Api.Chat;

/// <summary>
/// Continues the final message as transformers' continue_final_message does: the template renders with a marker at the end of the
/// message, and its output from the marker on is cut.
/// </summary>
internal static class FinalMessage
{
    private const string Field = "continue_final_message";

    /// <summary>The text of the final message; empty if it has none.</summary>
    /// <param name="messages">As sent or as the template sees them.</param>
    public static string Text(JsonElement messages) => string.Join('\n', Texts(messages));

    /// <summary>A random text. Its last character shows whether the template trims messages.</summary>
    public static string NewMarker() => $"{Guid.NewGuid():N} ";

    /// <summary>Rejects a final message without text.</summary>
    /// <exception cref="InvalidRequestException">It has none.</exception>
    public static void Check(JsonElement messages)
    {
        if (string.IsNullOrWhiteSpace(Texts(messages).LastOrDefault("")))
            throw new InvalidRequestException(Field, "is not possible: the last message has no text to go on with");
    }

    /// <summary>The rendered text up to the marker.</summary>
    /// <param name="rendered">The rendered text of messages with the marker.</param>
    /// <param name="marker">The marker.</param>
    /// <exception cref="InvalidRequestException">The marker is not in the text.</exception>
    public static string Cut(string rendered, string marker)
    {
        var at = rendered.LastIndexOf(marker.TrimEnd(), StringComparison.Ordinal);
        if (at < 0)
        {
            throw new InvalidRequestException(
                Field, "is not possible: the chat template changes the last message, so that its text is not in the prompt");
        }

        // If the template trims messages, it would have trimmed the text before the marker.
        var isTrimmed = !rendered.AsSpan(at).StartsWith(marker, StringComparison.Ordinal);
        return isTrimmed ? rendered[..at].TrimEnd() : rendered[..at];
    }

    private static IEnumerable<string> Texts(JsonElement messages) =>
        ChatConversation.Texts(ChatConversation.Content(messages[messages.GetArrayLength() - 1]));
}
