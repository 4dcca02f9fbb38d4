namespace LoraServe.Generation;

/// <summary>
/// Looks for stop strings in text that arrives in pieces, and holds back the end of the text as long as it could be the beginning of one.
/// The string that is complete first ends the text, so that the result does not depend on how the text was cut into pieces.
/// </summary>
internal sealed class StopStrings(IReadOnlyList<string> stops, bool includeInOutput)
{
    private string _held = "";

    /// <summary>The stop string that was found, or null.</summary>
    public string? Found { get; private set; }

    /// <summary>Takes the next piece and returns the text that is certain now; empty after a stop string was found.</summary>
    /// <param name="piece">What comes next.</param>
    /// <param name="mayStop">Whether a stop string that ends within this piece counts.</param>
    public string Append(string piece, bool mayStop)
    {
        if (Found is not null) return "";
        if (stops.Count == 0) return piece;
        var text = _held + piece;
        if (mayStop && FindFirstToEnd(text, text.Length - piece.Length) is var (start, stop))
        {
            Found = stop;
            _held = "";
            return text[..(includeInOutput ? start + stop.Length : start)];
        }

        var certain = text.Length - LongestBeginning(text);
        _held = text[certain..];
        return text[..certain];
    }

    /// <summary>What was held back, at the end of the text.</summary>
    public string Flush()
    {
        var rest = _held;
        _held = "";
        return rest;
    }

    // Matches that end within the first `known` characters were not there or did not count.
    private (int Start, string Stop)? FindFirstToEnd(string text, int known)
    {
        (int Start, string Stop)? first = null;
        foreach (var stop in stops)
        {
            var start = text.IndexOf(stop, Math.Max(0, known - stop.Length + 1), StringComparison.Ordinal);
            if (start < 0) continue;
            // The one that ends first, of two with the same end the longer.
            if (first is not var (otherStart, other) || (start + stop.Length, start).CompareTo((otherStart + other.Length, otherStart)) < 0)
                first = (start, stop);
        }

        return first;
    }

    // Length of the longest end of the text that begins a stop string without completing it.
    private int LongestBeginning(string text)
    {
        for (var length = Math.Min(text.Length, stops.Max(stop => stop.Length) - 1); length > 0; length--)
        {
            var end = text.AsSpan(text.Length - length);
            foreach (var stop in stops)
            {
                if (stop.Length > length && stop.AsSpan().StartsWith(end, StringComparison.Ordinal)) return length;
            }
        }

        return 0;
    }
}
