using System.Runtime.InteropServices;
using System.Text.Json;

namespace LoraServe.Api.Chat.Tools;

/// <summary>
/// Takes the tool calls out of a text as it is generated. However the text is cut into pieces, the content and the calls of all deltas
/// together are the same. A call is passed on when it is complete, so that nobody receives arguments that turn out to be no JSON; what
/// begins like a call and is none is content. White space alone beside calls is no content. For one choice and one thread.
/// </summary>
internal abstract class ToolCallParser(ToolCallSettings settings)
{
    /// <summary>Longest call in characters; what is longer is content.</summary>
    public const int MaxCallLength = 1 << 18;

    // Each malformed call is read again for calls inside it: after so many, the rest is content.
    private const int MaxMalformed = 64;

    // White space in places where it decides nothing is read again with each piece.
    private const int MaxBlank = MessageDeltaWriter.MaxBlank;

    private readonly List<char> _held = [];
    private readonly MessageDeltaWriter _message = new(settings.IsParallel);
    private Phase _phase;
    private JsonExtent? _json;
    private int _malformed;

    private enum Phase
    {
        /// <summary>Nothing but white space yet, where a call without a marker may begin.</summary>
        Start,

        /// <summary>Content, in which a marker is looked for.</summary>
        Text,

        /// <summary>The held text begins with what may be a call.</summary>
        Call,

        /// <summary>A call is complete; what belongs to its notation may follow.</summary>
        AfterCall,
    }

    /// <summary>What a call begins with.</summary>
    protected abstract string Marker { get; }

    /// <summary>What may end a call; empty if nothing does.</summary>
    protected virtual string EndMarker => "";

    /// <summary>Whether a whole answer may be calls without markers, with a semicolon between them.</summary>
    protected virtual bool HasBareCalls => false;

    /// <summary>Whether an object that is a call begins with one of a call's own fields, rather than with the call's arguments.</summary>
    protected virtual bool StartsWithCallField => true;

    /// <summary>Names of the request's tools.</summary>
    protected IReadOnlySet<string> ToolNames => settings.ToolNames;

    /// <summary>Reads the next piece of the text.</summary>
    public MessageDelta Append(string text)
    {
        _held.AddRange(text);
        return Advance(isEnd: false);
    }

    /// <summary>Says that the text is over, and returns what was held back.</summary>
    public MessageDelta Flush() => Advance(isEnd: true);

    /// <summary>Where the JSON of the call begins; null if that has not come, -1 if this is no call.</summary>
    /// <param name="text">What follows the marker.</param>
    protected abstract int? FindJson(ReadOnlySpan<char> text);

    /// <summary>The calls in a JSON value; empty if there is anything else in it.</summary>
    /// <param name="header">What is between the marker and the JSON.</param>
    /// <param name="json">The value.</param>
    /// <param name="isBare">Whether no marker went before.</param>
    protected abstract IReadOnlyList<ToolCall> ReadCalls(string header, JsonElement json, bool isBare);

    /// <summary>Makes the id of a call that has none.</summary>
    protected string NewId() => settings.NewId();

    /// <summary>Where an object begins, with nothing but white space before it: a way to do <see cref="FindJson"/>.</summary>
    protected static int? FindObject(ReadOnlySpan<char> text)
    {
        var at = SkipBlank(text, 0);
        return at > MaxBlank ? -1 : at == text.Length ? null : text[at] == '{' ? at : -1;
    }

    /// <summary>Index of the first character that is no white space, the length if there is none.</summary>
    protected static int SkipBlank(ReadOnlySpan<char> text, int from)
    {
        while (from < text.Length && char.IsWhiteSpace(text[from])) from++;
        return from;
    }

    private MessageDelta Advance(bool isEnd)
    {
        while (_held.Count > 0 && Step(isEnd)) { }
        return _message.Take(isEnd);
    }

    // Whether there is more to do before the next piece comes.
    private bool Step(bool isEnd)
    {
        var text = CollectionsMarshal.AsSpan(_held);
        return _phase switch
        {
            Phase.Start => StepStart(text, isEnd),
            Phase.Text => StepText(text, isEnd),
            Phase.Call => StepCall(text, isEnd),
            _ => StepAfterCall(text, isEnd),
        };
    }

    private bool StepStart(ReadOnlySpan<char> text, bool isEnd)
    {
        if (!HasBareCalls) return Continue(Phase.Text);
        var first = SkipBlank(text, 0);
        if (first == text.Length && first <= MaxBlank && !isEnd) return false;
        if (first <= MaxBlank && first < text.Length && text[first] == '{') BeginBareCall(first);
        else _phase = Phase.Text;
        return true;
    }

    private bool StepText(ReadOnlySpan<char> text, bool isEnd)
    {
        var at = _malformed < MaxMalformed ? text.IndexOf(Marker, StringComparison.Ordinal) : -1;
        if (at < 0)
        {
            Release(text.Length - (isEnd || _malformed >= MaxMalformed ? 0 : PartialMarker(text)));
            return false;
        }

        Release(at);
        _phase = Phase.Call;
        _json = null;
        return true;
    }

    private bool StepCall(ReadOnlySpan<char> text, bool isEnd)
    {
        var isBare = !text.StartsWith(Marker, StringComparison.Ordinal);
        if (_json is not { } json)
        {
            if (FindJson(text[Marker.Length..]) is not { } begin) return isEnd && ReleaseMalformed(Marker.Length);
            if (begin < 0) return ReleaseMalformed(Marker.Length);
            json = new JsonExtent(Marker.Length + begin);
        }

        // Of a bare call, everything up to the bracket: what follows has no marker to begin with.
        var lead = isBare ? json.Begin + 1 : Marker.Length;
        var end = json.FindEnd(text);
        _json = json;
        if (IsOtherObject(text[json.Begin..]) || (end < 0 ? text.Length : end) > MaxCallLength) return ReleaseMalformed(lead);
        if (end < 0) return isEnd && ReleaseMalformed(lead);
        var header = isBare ? "" : text[Marker.Length..json.Begin].ToString();
        var calls = TryReadCalls(header, text[json.Begin..end].ToString(), isBare);
        if (calls.Count == 0) return ReleaseMalformed(lead);

        _message.Add(calls);
        _held.RemoveRange(0, end);
        return Continue(Phase.AfterCall);
    }

    private bool StepAfterCall(ReadOnlySpan<char> text, bool isEnd)
    {
        var next = SkipBlank(text, 0);
        if (next > MaxBlank) return Continue(Phase.Text);
        if (next == text.Length) return isEnd && Continue(Phase.Text);
        var rest = text[next..];
        if (HasBareCalls)
        {
            var first = rest[0] == ';' ? SkipBlank(text, next + 1) : next;
            if (first > MaxBlank) return Continue(Phase.Text);
            if (first == text.Length) return isEnd && Drop(first);
            if (text[first] == '{') BeginBareCall(first);
            else _phase = Phase.Text;
            return true;
        }

        if (EndMarker.Length > 0 && rest.StartsWith(EndMarker, StringComparison.Ordinal)) return Drop(next + EndMarker.Length);
        if (!EndMarker.AsSpan().StartsWith(rest, StringComparison.Ordinal)) return Continue(Phase.Text);
        // The beginning of the end marker: the answer was cut off in it.
        return isEnd && Drop(text.Length);
    }

    private bool Continue(Phase phase)
    {
        _phase = phase;
        return true;
    }

    private bool Drop(int count)
    {
        _held.RemoveRange(0, count);
        return Continue(Phase.Text);
    }

    private void BeginBareCall(int at)
    {
        _phase = Phase.Call;
        _json = new JsonExtent(at);
    }

    private bool ReleaseMalformed(int count)
    {
        _malformed++;
        Release(count);
        return Continue(Phase.Text);
    }

    private void Release(int count)
    {
        _message.Add(CollectionsMarshal.AsSpan(_held)[..count]);
        _held.RemoveRange(0, count);
    }

    private IReadOnlyList<ToolCall> TryReadCalls(string header, string json, bool isBare)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return ReadCalls(header, document.RootElement, isBare);
        }
        // No JSON, or a text in it that is no valid Unicode.
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return [];
        }
    }

    // Whether an object's first field is none of a call's: most JSON that is content shows it soon, and is not held back.
    private bool IsOtherObject(ReadOnlySpan<char> json)
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

    private int PartialMarker(ReadOnlySpan<char> text)
    {
        for (var length = Math.Min(Marker.Length - 1, text.Length); length > 0; length--)
        {
            if (text.EndsWith(Marker.AsSpan(0, length), StringComparison.Ordinal)) return length;
        }

        return 0;
    }
}
