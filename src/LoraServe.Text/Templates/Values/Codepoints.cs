namespace LoraServe.Text.Templates.Values;

/// <summary>Indexes texts by code points, as Python does, instead of UTF-16 units.</summary>
internal static class Codepoints
{
    /// <summary>Whether code points and UTF-16 units coincide.</summary>
    public static bool AreUnits(string text) => !text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF');

    /// <summary>The number of code points.</summary>
    public static int Count(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyInRange('\uD800', '\uDFFF')) return text.Length;
        var count = 0;
        for (var i = 0; i < text.Length; i += LengthAt(text, i)) count++;
        return count;
    }

    /// <summary>The length in units of the code point at a position.</summary>
    public static int LengthAt(ReadOnlySpan<char> text, int position) =>
        position + 1 < text.Length && char.IsSurrogatePair(text[position], text[position + 1]) ? 2 : 1;

    /// <summary>The start of each code point in units, and the end.</summary>
    public static int[] Starts(string text)
    {
        var starts = new List<int>(text.Length + 1);
        for (var i = 0; i < text.Length; i += LengthAt(text, i)) starts.Add(i);
        starts.Add(text.Length);
        return [.. starts];
    }

    /// <summary>The start in units of the code point with an index; beyond the end, the end.</summary>
    public static int UnitOf(string text, long index)
    {
        if (AreUnits(text)) return (int)Math.Min(index, text.Length);
        var position = 0;
        for (long i = 0; i < index && position < text.Length; i++) position += LengthAt(text, position);
        return position;
    }
}
