using System.Text.Json;
using LoraServe.Hosting;

namespace LoraServe.Chat;

/// <summary>Continuing the final message, as transformers' continue_final_message does it.</summary>
internal static class FinalMessage
{
    private const string Field = "continue_final_message";

    /// <summary>The text of the final message; empty if it has none.</summary>
    /// <param name="messages">As they were sent or as the template sees them.</param>
    public static string Text(JsonElement messages) => string.Join('\n', Texts(messages));

    /// <summary>The rendered text without what follows the final message's own text.</summary>
    /// <param name="rendered">What the template gave.</param>
    /// <param name="messages">As the template saw them.</param>
    /// <exception cref="InvalidRequestException">The final message is not in the text, or has no text.</exception>
    public static string Cut(string rendered, JsonElement messages)
    {
        var final = Texts(messages).LastOrDefault("");
        var trimmed = final.Trim();
        if (trimmed.Length == 0) throw new InvalidRequestException(Field, "is not possible: the last message has no text to go on with");
        var at = rendered.LastIndexOf(trimmed, StringComparison.Ordinal);
        if (at < 0)
        {
            throw new InvalidRequestException(
                Field, "is not possible: the chat template changes the last message, so that its text is not in the prompt");
        }

        // White space at the end is kept where the template keeps it.
        var whole = final.TrimStart();
        return rendered.AsSpan(at).StartsWith(whole, StringComparison.Ordinal) ? rendered[..(at + whole.Length)] : rendered[..(at + trimmed.Length)];
    }

    private static IEnumerable<string> Texts(JsonElement messages) =>
        messages[messages.GetArrayLength() - 1].TryGetProperty("content", out var content) ? ChatConversation.Texts(content) : [];
}
