using System.Runtime.InteropServices;

namespace LoraServe.Api.Chat.Tools;

/// <summary>
/// Separates tool calls from content while a text is generated. The result does not depend on how the text is cut into pieces. A call is
/// passed on once it is complete, so that clients never receive arguments that turn out not to be JSON; text that only looks like a call is
/// content. White space alone beside calls is not content. For one choice and one thread.
/// </summary>
internal sealed class ToolCallParser(ToolCallNotation notation)
{
    /// <summary>Maximum characters of a call; longer ones are content.</summary>
    public const int MaxCallLength = 1 << 18;

    // A malformed call is searched again for calls inside it: after this many, the rest is content.
    private const int MaxMalformed = 64;

    // White space where it decides nothing is read again with each piece.
    private const int MaxBlank = MessageDeltaWriter.MaxBlank;

    private readonly List<char> _held = [];
    private readonly MessageDeltaWriter _message = new(notation.IsParallel);
    private Phase _phase;
    private JsonExtent? _json;
    private int _malformed;

    private enum Phase
    {
        /// <summary>Only white space so far, after which a call without a marker may start.</summary>
        Start,

        /// <summary>Content, searched for a marker.</summary>
        Text,

        /// <summary>The held text may start with a call.</summary>
        Call,

        /// <summary>A call is complete; its end marker or separator may follow.</summary>
        AfterCall,
    }

    /// <summary>Reads the next piece of the text.</summary>
    public MessageDelta Append(string text)
    {
        _held.AddRange(text);
        return Advance(isEnd: false);
    }

    /// <summary>Ends the text and returns what was held back.</summary>
    public MessageDelta Flush() => Advance(isEnd: true);

    private MessageDelta Advance(bool isEnd)
    {
        while (_held.Count > 0 && Step(isEnd)) { }
        return _message.Take(isEnd);
    }

    // Whether to continue before the next piece comes.
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
        if (!notation.HasBareCalls) return Continue(Phase.Text);
        var first = ToolCallNotation.SkipBlank(text, 0);
        if (first == text.Length && first <= MaxBlank && !isEnd) return false;
        if (first <= MaxBlank && first < text.Length && text[first] == '{') BeginBareCall(first);
        else _phase = Phase.Text;
        return true;
    }

    private bool StepText(ReadOnlySpan<char> text, bool isEnd)
    {
        var at = _malformed < MaxMalformed ? text.IndexOf(notation.Marker, StringComparison.Ordinal) : -1;
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
        var isBare = !text.StartsWith(notation.Marker, StringComparison.Ordinal);
        if (_json is not { } json)
        {
            if (notation.FindJson(text[notation.Marker.Length..]) is not { } begin) return isEnd && ReleaseMalformed(notation.Marker.Length);
            if (begin < 0) return ReleaseMalformed(notation.Marker.Length);
            json = new JsonExtent(notation.Marker.Length + begin);
        }

        // Of a bare call, everything up to the bracket: the rest cannot start with a marker.
        var lead = isBare ? json.Begin + 1 : notation.Marker.Length;
        var end = json.FindEnd(text);
        _json = json;
        if (notation.IsOtherObject(text[json.Begin..]) || (end < 0 ? text.Length : end) > MaxCallLength) return ReleaseMalformed(lead);
        if (end < 0) return isEnd && ReleaseMalformed(lead);
        var header = isBare ? "" : text[notation.Marker.Length..json.Begin].ToString();
        var calls = notation.Read(header, text[json.Begin..end].ToString(), isBare);
        if (calls.Count == 0) return ReleaseMalformed(lead);

        _message.Add(calls);
        _held.RemoveRange(0, end);
        return Continue(Phase.AfterCall);
    }

    private bool StepAfterCall(ReadOnlySpan<char> text, bool isEnd)
    {
        var next = ToolCallNotation.SkipBlank(text, 0);
        if (next > MaxBlank) return Continue(Phase.Text);
        if (next == text.Length) return isEnd && Continue(Phase.Text);
        var rest = text[next..];
        if (notation.HasBareCalls)
        {
            var first = rest[0] == ';' ? ToolCallNotation.SkipBlank(text, next + 1) : next;
            if (first > MaxBlank) return Continue(Phase.Text);
            if (first == text.Length) return isEnd && Drop(first);
            if (text[first] == '{') BeginBareCall(first);
            else _phase = Phase.Text;
            return true;
        }

        if (notation.EndMarker.Length > 0 && rest.StartsWith(notation.EndMarker, StringComparison.Ordinal)) return Drop(next + notation.EndMarker.Length);
        if (!notation.EndMarker.AsSpan().StartsWith(rest, StringComparison.Ordinal)) return Continue(Phase.Text);
        // The answer was cut off within the end marker.
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

    private int PartialMarker(ReadOnlySpan<char> text)
    {
        for (var length = Math.Min(notation.Marker.Length - 1, text.Length); length > 0; length--)
        {
            if (text.EndsWith(notation.Marker.AsSpan(0, length), StringComparison.Ordinal)) return length;
        }

        return 0;
    }
}
