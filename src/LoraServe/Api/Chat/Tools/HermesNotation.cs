using System.Text.Json;

namespace LoraServe.Api.Chat.Tools;

/// <summary>Calls as Hermes and Qwen write them; see <see cref="ToolCallFormat.Hermes"/>. A missing end marker is tolerated.</summary>
internal sealed class HermesNotation(ToolCallSettings settings) : ToolCallNotation(settings)
{
    public override string Marker => "<tool_call>";

    public override string EndMarker => "</tool_call>";

    public override int? FindJson(ReadOnlySpan<char> text) => FindObject(text);

    protected override IReadOnlyList<ToolCall> ReadCalls(string header, JsonElement json, bool isBare) =>
        ToolCall.Read(json, NewId) is { } call ? [call] : [];
}
