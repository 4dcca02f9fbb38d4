using System.Text.Json;

namespace LoraServe.Api.Chat.Tools;

/// <summary>Calls as Mistral's models write them; see <see cref="ToolCallFormat.Mistral"/>.</summary>
internal sealed class MistralNotation(ToolCallSettings settings) : ToolCallNotation(settings)
{
    private const string IdMarker = "[CALL_ID]";
    private const string ArgumentsMarker = "[ARGS]";
    private const int MaxHeaderLength = 256;

    public override string Marker => "[TOOL_CALLS]";

    protected override bool StartsWithCallField => false;

    public override int? FindJson(ReadOnlySpan<char> text)
    {
        var name = SkipBlank(text, 0);
        if (name > MaxHeaderLength) return -1;
        if (name == text.Length) return null;
        if (text[name] == '[') return name;
        var at = SkipWord(text, name);
        if (at == name || at > MaxHeaderLength) return -1;
        if (Skip(text, ref at, IdMarker) is not { } hasId) return null;
        if (hasId) at = SkipWord(text, at);
        if (at > MaxHeaderLength) return -1;
        if (Skip(text, ref at, ArgumentsMarker) is null) return null;
        at = SkipBlank(text, at);
        return at > MaxHeaderLength ? -1 : at == text.Length ? null : text[at] == '{' ? at : -1;
    }

    protected override IReadOnlyList<ToolCall> ReadCalls(string header, JsonElement json, bool isBare)
    {
        if (json.ValueKind == JsonValueKind.Array)
        {
            var calls = json.EnumerateArray().Select(call => ToolCall.Read(call, NewId)).OfType<ToolCall>().ToList();
            return calls.Count == json.GetArrayLength() ? calls : [];
        }

        var parts = header.Replace(ArgumentsMarker, "", StringComparison.Ordinal).Split(IdMarker, StringSplitOptions.TrimEntries);
        return [new ToolCall(parts.Length > 1 && parts[1].Length > 0 ? parts[1] : NewId(), parts[0], json.GetRawText())];
    }

    private static int SkipWord(ReadOnlySpan<char> text, int from)
    {
        while (from < text.Length && (char.IsAsciiLetterOrDigit(text[from]) || text[from] is '_' or '-' or '.' or ':')) from++;
        return from;
    }

    // Whether the marker is there; null if that is not known yet.
    private static bool? Skip(ReadOnlySpan<char> text, ref int at, string marker)
    {
        var rest = text[at..];
        if (rest.StartsWith(marker, StringComparison.Ordinal))
        {
            at += marker.Length;
            return true;
        }

        return marker.AsSpan().StartsWith(rest, StringComparison.Ordinal) ? null : false;
    }
}
