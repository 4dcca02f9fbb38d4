using System.Text.Json;

namespace LoraServe.Api.Chat.Tools;

/// <summary>How a family of models writes tool calls.</summary>
internal abstract class ToolCallNotation(ToolCallSettings settings)
{
    // White space where it decides nothing is read again with each piece.
    private const int MaxBlank = MessageDeltaWriter.MaxBlank;

    /// <summary>The text at the start of a call.</summary>
    public abstract string Marker { get; }

    /// <summary>The text that may end a call; empty if there is none.</summary>
    public virtual string EndMarker => "";

    /// <summary>Whether a whole answer may be calls without markers, separated by semicolons.</summary>
    public virtual bool HasBareCalls => false;

    /// <summary>Whether more than the first call is kept.</summary>
    public bool IsParallel => settings.IsParallel;

    /// <summary>Whether the JSON of a call starts with one of a call's own fields, rather than with the call's arguments.</summary>
    protected virtual bool StartsWithCallField => true;

    /// <summary>Names of the request's tools.</summary>
    protected IReadOnlySet<string> ToolNames => settings.ToolNames;

    /// <summary>Where the JSON of the call starts; null if that has not come yet, -1 if this is not a call.</summary>
    /// <param name="text">The text after the marker.</param>
    public abstract int? FindJson(ReadOnlySpan<char> text);

    /// <summary>The calls in a JSON text; empty if it contains anything else.</summary>
    /// <param name="header">The text between the marker and the JSON.</param>
    /// <param name="json">The JSON.</param>
    /// <param name="isBare">Whether there was no marker.</param>
    public IReadOnlyList<ToolCall> Read(string header, string json, bool isBare)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return ReadCalls(header, document.RootElement, isBare);
        }
        // Not JSON, or with a text that is not valid Unicode.
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return [];
        }
    }

    /// <summary>Whether an object cannot be a call by its first field, which most JSON that is content shows early, so it need not be held back.</summary>
    /// <param name="json">At least its first character.</param>
    public bool IsOtherObject(ReadOnlySpan<char> json)
    {
        if (!StartsWithCallField || json[0] != '{') return false;
        var quote = SkipBlank(json, 1);
        if (quote > MaxBlank) return true;
        if (quote == json.Length) return false;
        if (json[quote] != '"') return true;
        var name = json[(quote + 1)..];
        var length = name.IndexOf('"');
        if (length >= 0) return name[..length] is not ("name" or "arguments" or "parameters" or "id" or "type");
        return name.Length > "parameters".Length;
    }

    /// <summary>Index of the first character that is not white space, or the length.</summary>
    public static int SkipBlank(ReadOnlySpan<char> text, int from)
    {
        while (from < text.Length && char.IsWhiteSpace(text[from])) from++;
        return from;
    }

    /// <summary>The calls in a JSON value; empty if it contains anything else.</summary>
    protected abstract IReadOnlyList<ToolCall> ReadCalls(string header, JsonElement json, bool isBare);

    /// <summary>Makes the id of a call that has none.</summary>
    protected string NewId() => settings.NewId();

    /// <summary>Where an object starts, with nothing but white space before it: one implementation of <see cref="FindJson"/>.</summary>
    protected static int? FindObject(ReadOnlySpan<char> text)
    {
        var at = SkipBlank(text, 0);
        return at > MaxBlank ? -1 : at == text.Length ? null : text[at] == '{' ? at : -1;
    }
}
