using System.Text;

namespace LoraServe.Generation;

/// <summary>
/// Looks for stop strings in text that arrives in pieces, and holds back the end of the text as long as it could be the beginning of one.
/// The string that is complete first ends the text, so that the result does not depend on how the text was cut into pieces. Special tokens
/// that the output does not show are found too, each as a whole: where none is part of a stop string, it is as if they were not there.
/// </summary>
internal sealed class StopStrings(IReadOnlyList<string> stops, bool includeInOutput)
{
    // Where in the held text special tokens lie that the output does not show.
    private readonly List<(int Start, int End)> _hidden = [];

    private string _held = "";

    /// <summary>The stop string that was found, or null.</summary>
    public string? Found { get; private set; }

    /// <summary>Takes the next piece and returns the text that is certain now; empty after a stop string was found.</summary>
    /// <param name="piece">What comes next.</param>
    /// <param name="mayStop">Whether a stop string that ends within this piece counts.</param>
    public string Append(string piece, bool mayStop)
    {
        if (Found is not null) return "";
        return stops.Count == 0 ? piece : Take(_held + piece, mayStop);
    }

    /// <summary>Takes a special token that the output does not show, and returns the text that is certain now.</summary>
    /// <param name="token">Its text.</param>
    /// <param name="mayStop">Whether a stop string that ends with it counts.</param>
    public string AppendHidden(string token, bool mayStop)
    {
        if (Found is not null || stops.Count == 0 || token.Length == 0) return "";
        var text = _held + token;
        _hidden.Add((_held.Length, text.Length));
        if (LongestBeginning(text) > 0 || (mayStop && FindFirstToEnd(text, _held.Length) is not null)) return Take(text, mayStop);
        _hidden.RemoveAt(_hidden.Count - 1);
        return "";
    }

    /// <summary>What was held back, at the end of the text.</summary>
    public string Flush() => Release(_held, _held.Length);

    private string Take(string text, bool mayStop)
    {
        if (!mayStop || FindFirstToEnd(text, _held.Length) is not var (start, stop)) return Release(text, text.Length - LongestBeginning(text));
        Found = stop;
        var certain = Release(text[..start], start);
        return includeInOutput ? certain + stop : certain;
    }

    // Holds the text from there on, and returns what is shown of the text before.
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

    // Matches that end within the first `known` characters were not there or did not count.
    private (int Start, string Stop)? FindFirstToEnd(string text, int known)
    {
        (int Start, string Stop)? first = null;
        foreach (var stop in stops)
        {
            var start = text.IndexOf(stop, Math.Max(0, known - stop.Length + 1), StringComparison.Ordinal);
            while (start >= 0 && (Cuts(start) || Cuts(start + stop.Length))) start = text.IndexOf(stop, start + 1, StringComparison.Ordinal);
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
            if (Cuts(text.Length - length)) continue;
            foreach (var stop in stops)
            {
                if (stop.Length > length && stop.AsSpan().StartsWith(end, StringComparison.Ordinal)) return length;
            }
        }

        return 0;
    }

    // Half of a special token is no text.
    private bool Cuts(int place) => _hidden.Exists(hidden => hidden.Start < place && place < hidden.End);
}
