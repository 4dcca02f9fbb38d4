using System.Text;

namespace LoraServe.Text.Templates.Values;

/// <summary>a[b:c:d] of texts and sequences, and single characters.</summary>
internal static class Slicing
{
    public static object Of(Rendering rendering, object owner, SliceValue slice)
    {
        var step = slice.Step is None ? 1 : Bound(slice.Step);
        if (step == 0) throw new ChatTemplateException("slice step cannot be zero");
        if (owner is string text) return OfText(rendering, text, slice, step);
        var sequence = (SequenceValue)owner;
        var (start, count) = Range(slice, step, sequence.Count);
        rendering.MakeItems(count);
        var items = new object[count];
        for (var i = 0; i < count; i++) items[i] = sequence[(int)(start + i * step)];
        return sequence.With(items);
    }

    /// <summary>The character at an index, or null.</summary>
    public static string? Character(Rendering rendering, string text, long index)
    {
        rendering.Read(text.Length);
        if (Codepoints.AreUnits(text))
        {
            if (index < 0) index += text.Length;
            return index >= 0 && index < text.Length ? text[(int)index].ToString() : null;
        }

        rendering.Classify(text.Length);
        if (index < 0) index += Codepoints.Count(text);
        var unit = index < 0 ? text.Length : Codepoints.UnitOf(text, index);
        return unit < text.Length ? text.Substring(unit, Codepoints.LengthAt(text, unit)) : null;
    }

    /// <summary>The first <paramref name="count"/> characters of a text.</summary>
    public static string Start(string text, long count) => text[..Codepoints.UnitOf(text, Math.Max(count, 0))];

    private static string OfText(Rendering rendering, string text, SliceValue slice, long step)
    {
        rendering.MakeText(text.Length);
        if (Codepoints.AreUnits(text))
        {
            var (first, length) = Range(slice, step, text.Length);
            return step == 1 ? text.Substring((int)first, (int)length) : Pick(first, length, step, i => text.AsSpan(i, 1));
        }

        rendering.Classify(text.Length);
        rendering.Make(4L * text.Length);
        var starts = Codepoints.Starts(text);
        var (start, count) = Range(slice, step, starts.Length - 1);
        return Pick(start, count, step, i => text.AsSpan(starts[i], starts[i + 1] - starts[i]));
    }

    private static string Pick(long start, long count, long step, Func<int, ReadOnlySpan<char>> character)
    {
        var picked = new StringBuilder();
        for (long i = 0; i < count; i++) picked.Append(character((int)(start + i * step)));
        return picked.ToString();
    }

    // The first index and the count, by Python's rules for bounds that are missing, negative or beyond the end.
    private static (long Start, long Count) Range(SliceValue slice, long step, long length)
    {
        var (least, most) = step > 0 ? (0L, length) : (-1L, length - 1);
        var start = slice.Start is None ? step > 0 ? least : most : Clamp(Bound(slice.Start));
        var stop = slice.Stop is None ? step > 0 ? most : least : Clamp(Bound(slice.Stop));
        var distance = step > 0 ? stop - start : start - stop;
        var stride = step == long.MinValue ? long.MaxValue : Math.Abs(step);
        return distance <= 0 ? (0, 0) : (start, (distance - 1) / stride + 1);

        long Clamp(long bound) => Math.Clamp(bound < 0 ? bound + length : bound, least, most);
    }

    private static long Bound(object value) => Numbers.TryInteger(value, out var bound)
        ? bound
        : throw new ChatTemplateException("slice indices must be integers or None");
}
