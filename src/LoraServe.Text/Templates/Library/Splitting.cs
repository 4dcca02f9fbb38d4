using System.Buffers;
using LoraServe.Text.Templates.Syntax;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>Python's string splitting methods.</summary>
internal static class Splitting
{
    private static readonly SearchValues<char> LineEnds = SearchValues.Create("\n\r\v\f\u001c\u001d\u001e\u0085\u2028\u2029");

    public static object Split(Rendering rendering, string text, object? separator, long most)
    {
        rendering.MakeText(text.Length);
        var parts = new List<object>();
        if (separator is null or None)
        {
            SplitAtSpace(rendering, text, most, parts);
            return new ListValue(parts);
        }

        var position = 0;
        foreach (var place in Search.All(rendering, text, Separator(separator)))
        {
            if (most-- == 0) break;
            Add(rendering, parts, text[position..place]);
            position = place + ((string)separator).Length;
        }

        Add(rendering, parts, text[position..]);
        return new ListValue(parts);
    }

    public static object SplitFromEnd(Rendering rendering, string text, object? separator, long most)
    {
        rendering.MakeText(text.Length);
        var parts = new List<object>();
        if (separator is null or None)
        {
            SplitAtSpaceFromEnd(rendering, text, most, parts);
        }
        else
        {
            var (part, mirrored) = (Mirror(Separator(separator)), Mirror(text));
            var end = text.Length;
            foreach (var place in Search.All(rendering, mirrored, part))
            {
                if (most-- == 0) break;
                var start = text.Length - place;
                Add(rendering, parts, text[start..end]);
                end = start - part.Length;
            }

            Add(rendering, parts, text[..end]);
        }

        parts.Reverse();
        return new ListValue(parts);
    }

    public static object Lines(Rendering rendering, string text, bool keepEnds)
    {
        rendering.MakeText(text.Length);
        var lines = new List<object>();
        for (var start = 0; start < text.Length;)
        {
            var end = text.AsSpan(start).IndexOfAny(LineEnds);
            end = end < 0 ? text.Length : start + end;
            var next = end == text.Length ? end : text.AsSpan(end).StartsWith("\r\n") ? end + 2 : end + 1;
            Add(rendering, lines, text[start..(keepEnds ? next : end)]);
            start = next;
        }

        return new ListValue(lines);
    }

    public static object Partition(Rendering rendering, string text, string separator)
    {
        rendering.MakeText(text.Length);
        var place = Search.IndexOf(rendering, text, Separator(separator), 0);
        return place < 0
            ? new TupleValue(text, "", "")
            : new TupleValue(text[..place], separator, text[(place + separator.Length)..]);
    }

    public static object PartitionFromEnd(Rendering rendering, string text, string separator)
    {
        rendering.MakeText(text.Length);
        var place = LastIndexOf(rendering, text, Separator(separator));
        return place < 0
            ? new TupleValue("", "", text)
            : new TupleValue(text[..place], separator, text[(place + separator.Length)..]);
    }

    /// <summary>The last index of a non-empty part, or -1.</summary>
    public static int LastIndexOf(Rendering rendering, string text, string part)
    {
        rendering.MakeText(text.Length);
        var place = Search.IndexOf(rendering, Mirror(text), Mirror(part), 0);
        return place < 0 ? -1 : text.Length - place - part.Length;
    }

    private static void SplitAtSpace(Rendering rendering, string text, long most, List<object> parts)
    {
        for (var i = 0; i < text.Length;)
        {
            if (Characters.IsSpace(text[i]))
            {
                i++;
                continue;
            }

            var start = i;
            if (most-- == 0)
            {
                Add(rendering, parts, text[start..]);
                return;
            }

            while (i < text.Length && !Characters.IsSpace(text[i])) i++;
            Add(rendering, parts, text[start..i]);
        }
    }

    private static void SplitAtSpaceFromEnd(Rendering rendering, string text, long most, List<object> parts)
    {
        for (var i = text.Length; i > 0;)
        {
            if (Characters.IsSpace(text[i - 1]))
            {
                i--;
                continue;
            }

            var end = i;
            if (most-- == 0)
            {
                Add(rendering, parts, text[..end]);
                return;
            }

            while (i > 0 && !Characters.IsSpace(text[i - 1])) i--;
            Add(rendering, parts, text[i..end]);
        }
    }

    private static void Add(Rendering rendering, List<object> parts, string part)
    {
        rendering.Step();
        rendering.Make(48);
        parts.Add(part);
    }

    private static string Separator(object separator) =>
        StringMethods.String(separator) is { Length: > 0 } text ? text : throw new ChatTemplateException("empty separator");

    private static string Mirror(string text) => string.Create(text.Length, text, static (mirrored, text) =>
    {
        text.CopyTo(mirrored);
        mirrored.Reverse();
    });
}
