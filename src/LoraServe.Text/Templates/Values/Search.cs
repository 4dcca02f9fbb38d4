namespace LoraServe.Text.Templates.Values;

/// <summary>Finding a text within another, in time proportional to their lengths.</summary>
internal static class Search
{
    // Up to this length, a naive search stays within the work counted for a step.
    private const int ShortLength = 32;

    /// <summary>The first index from a start, in UTF-16 units, or -1.</summary>
    public static int IndexOf(Rendering rendering, string text, string part, int start)
    {
        if (part.Length == 0) return start <= text.Length ? start : -1;
        if (part.Length > text.Length - start) return -1;
        if (part.Length > ShortLength) rendering.Make(4L * part.Length);
        var found = part.Length <= ShortLength ? text.IndexOf(part, start, StringComparison.Ordinal) : KnuthMorrisPratt(text, part, start);
        rendering.Read((found < 0 ? text.Length : found) - start + part.Length);
        return found;
    }

    /// <summary>All indices of non-overlapping occurrences.</summary>
    public static IEnumerable<int> All(Rendering rendering, string text, string part)
    {
        for (var i = IndexOf(rendering, text, part, 0); i >= 0; i = IndexOf(rendering, text, part, i + part.Length)) yield return i;
    }

    private static int KnuthMorrisPratt(string text, string part, int start)
    {
        var borders = new int[part.Length];
        for (int i = 1, length = 0; i < part.Length; borders[i++] = length)
        {
            while (length > 0 && part[i] != part[length]) length = borders[length - 1];
            if (part[i] == part[length]) length++;
        }

        for (int i = start, length = 0; i < text.Length; i++)
        {
            while (length > 0 && text[i] != part[length]) length = borders[length - 1];
            if (text[i] == part[length]) length++;
            if (length == part.Length) return i - length + 1;
        }

        return -1;
    }
}
