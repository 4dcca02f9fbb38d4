using System.Text.Json;

namespace LoraServe.Api.Chat.Tools;

/// <summary>
/// Calls as Llama 3 writes them; see <see cref="ToolCallFormat.Llama3Json"/>. An object without a marker is a call only if it has
/// arguments and its name is one of the request's tools, so that a JSON answer stays an answer.
/// </summary>
internal sealed class Llama3Notation(ToolCallSettings settings) : ToolCallNotation(settings)
{
    public override string Marker => "<|python_tag|>";

    public override bool HasBareCalls => true;

    public override int? FindJson(ReadOnlySpan<char> text) => FindObject(text);

    protected override IReadOnlyList<ToolCall> ReadCalls(string header, JsonElement json, bool isBare)
    {
        if (ToolCall.Read(json, NewId) is not { } call) return [];
        return isBare && !(ToolNames.Contains(call.Name) && ToolCall.HasArguments(json, out _)) ? [] : [call];
    }
}
