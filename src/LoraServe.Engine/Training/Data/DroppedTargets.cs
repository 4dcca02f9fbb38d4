using System.Text.Json;
using System.Text.Json.Nodes;
using LoraServe.Text.Templates;

namespace LoraServe.Engine.Training.Data;

/// <summary>
/// Finds parts of a target turn that the chat template does not render: training on the rest would teach the model to leave them out.
/// </summary>
/// <param name="turns">The conversation up to and with the turn, as the template sees it.</param>
/// <param name="render">The text of a conversation.</param>
internal sealed class DroppedTargets(IReadOnlyList<JsonElement> turns, Func<List<JsonElement>, string> render)
{
    /// <summary>Every part of the last turn that does not change the rendered text.</summary>
    /// <param name="whole">The text of all turns.</param>
    /// <param name="turn">The text of the last one.</param>
    /// <returns>Each as "field: why".</returns>
    public IEnumerable<string> Find(string whole, string turn)
    {
        var last = turns[^1];
        var texts = ChatConversation.Texts(last.GetProperty("content")).Where(text => !string.IsNullOrWhiteSpace(text)).ToList();
        if (texts.Exists(text => !turn.Contains(text.Trim(), StringComparison.Ordinal)) && IsSame(whole, message => message["content"] = Empty(last)))
            yield return Fault("content");
        if (last.TryGetProperty("tool_calls", out var calls))
        {
            var count = calls.GetArrayLength();
            if (IsSame(whole, message => message.Remove("tool_calls"))) yield return Fault("tool_calls");
            else if (count > 1 && IsSame(whole, message => message["tool_calls"]!.AsArray().RemoveAt(count - 1)))
                yield return Fault($"tool_calls[{count - 1}]");
        }

        if (last.TryGetProperty("reasoning_content", out var reasoning) && !string.IsNullOrWhiteSpace(reasoning.GetString())
            && IsSame(whole, message => message.Remove("reasoning_content")))
        {
            yield return Fault("reasoning_content");
        }
    }

    private bool IsSame(string whole, Action<JsonObject> change)
    {
        var message = JsonObject.Create(turns[^1])!;
        change(message);
        try
        {
            return render([.. turns.SkipLast(1), JsonSerializer.SerializeToElement(message)]) == whole;
        }
        catch (ExampleException)
        {
            // The template requires it.
            return false;
        }
    }

    private static JsonNode Empty(JsonElement message) =>
        message.GetProperty("content").ValueKind == JsonValueKind.Array ? new JsonArray() : JsonValue.Create("");

    private static string Fault(string field) =>
        $"{field}: the model's chat template does not write this, so that it cannot be learnt: write it as content in the form that the model "
        + "shall answer in, leave it out, or give the turn weight 0";
}
