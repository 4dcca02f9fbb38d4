using System.Text;

namespace LoraServe.Generation;

/// <summary>
/// Finds stop strings in text that arrives in pieces, and holds back the end of the text while it could be the start of one.
/// The first complete match ends the text, so the result does not depend on how the text was cut into pieces. Special tokens
/// hidden from the output are matched too, each as a whole; if none is part of a stop string, they have no effect.
/// </summary>
internal sealed class StopStrings(IReadOnlyList<string> stops, bool includeInOutput)
{
    // Positions in the held text of special tokens hidden from the output.
    private readonly List<(int Start, int End)> _hidden = [];

    private string _held = "";

    /// <summary>The stop string that was found, or null.</summary>
    public string? Found { get; private set; }

    /// <summary>Appends the next piece and returns the text that is final now; empty after a stop string was found.</summary>
    /// <param name="piece">What comes next.</param>
    /// <param name="mayStop">Whether a stop string ending in this piece counts.</param>
    public string Append(string piece, bool mayStop)
    {
        if (Found is not null) return "";
        return stops.Count == 0 ? piece : Take(_held + piece, mayStop);
    }

    /// <summary>Appends a special token hidden from the output, and returns the text that is final now.</summary>
    /// <param name="token">Its text.</param>
    /// <param name="mayStop">Whether a stop string ending with it counts.</param>
    public string AppendHidden(string token, bool mayStop)
    {
        if (Found is not null || stops.Count == 0 || token.Length == 0) return "";
        var text = _held + token;
        _hidden.Add((_held.Length, text.Length));
        if (LongestBeginning(text) > 0 || (mayStop && FindFirstToEnd(text, _held.Length) is not null)) return Take(text, mayStop);
        _hidden.RemoveAt(_hidden.Count - 1);
        return "";
    }

    /// <summary>Returns held-back text at the end.</summary>
    public string Flush() => Release(_held, _held.Length);

    private string Take(string text, bool mayStop)
    {
        if (!mayStop || FindFirstToEnd(text, _held.Length) is not var (start, stop)) return Release(text, text.Length - LongestBeginning(text));
        Found = stop;
        var certain = Release(text[..start], start);
        return includeInOutput ? certain + stop : certain;
    }

    // Holds the text from there on, and returns the visible text before.
    private string Release(string text, int end)
    {
        var shown = new StringBuilder();
        var from = 0;
        foreach (var (hiddenStart, hiddenEnd) in _hidden.TakeWhile(hidden => hidden.End <= end))
        {
            shown.Append(text, from, hiddenStart - from);
            from = hiddenEnd;
        }

        shown.Append(text, from, end - from);
        _held = text[end..];
        var kept = _hidden.Where(hidden => hidden.Start >= end && hidden.End <= text.Length).Select(hidden => (hidden.Start - end, hidden.End - end)).ToList();
        _hidden.Clear();
        _hidden.AddRange(kept);
        return shown.ToString();
    }

    // Matches ending within the first `known` characters do not exist or do not count.
    private (int Start, string Stop)? FindFirstToEnd(string text, int known)
    {
        (int Start, string Stop)? first = null;
        foreach (var stop in stops)
        {
            var start = text.IndexOf(stop, Math.Max(0, known - stop.Length + 1), StringComparison.Ordinal);
            while (start >= 0 && (Cuts(start) || Cuts(start + stop.Length))) start = text.IndexOf(stop, start + 1, StringComparison.Ordinal);
            if (start < 0) continue;
            // The match that ends first; of two with the same end the longer.
            if (first is not var (otherStart, other) || (start + stop.Length, start).CompareTo((otherStart + other.Length, otherStart)) < 0)
                first = (start, stop);
        }

        return first;
    }

    // Length of the longest suffix of the text that is a proper prefix of a stop string.
    private int LongestBeginning(string text)
    {
        for (var length = Math.Min(text.Length, stops.Max(stop => stop.Length) - 1); length > 0; length--)
        {
            var end = text.AsSpan(text.Length - length);
            if (Cuts(text.Length - length)) continue;
            foreach (var stop in stops)
            {
                if (stop.Length > length && stop.AsSpan().StartsWith(end, StringComparison.Ordinal)) return length;
            }
        }

        return 0;
    }

    // Half of a special token is not text.
    private bool Cuts(int place) => _hidden.Exists(hidden => hidden.Start < place && place < hidden.End);
}
