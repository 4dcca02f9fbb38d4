using System.Text;
using LoraServe.Text.Templates.Syntax;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>The methods of a string.</summary>
internal static class StringMethods
{
    private delegate object Method(Rendering rendering, string text, object?[] arguments);

    private static readonly Dictionary<string, (string[] Parameters, Method Body)> Methods = new(StringComparer.Ordinal)
    {
        ["strip"] = (["chars"], (rendering, text, a) => rendering.Made(Strip(rendering, text, a[0], atStart: true, atEnd: true))),
        ["lstrip"] = (["chars"], (rendering, text, a) => rendering.Made(Strip(rendering, text, a[0], atStart: true, atEnd: false))),
        ["rstrip"] = (["chars"], (rendering, text, a) => rendering.Made(Strip(rendering, text, a[0], atStart: false, atEnd: true))),
        ["split"] = (["sep", "maxsplit"], (rendering, text, a) => Splitting.Split(rendering, text, a[0], Integer(a[1], -1))),
        ["rsplit"] = (["sep", "maxsplit"], (rendering, text, a) => Splitting.SplitFromEnd(rendering, text, a[0], Integer(a[1], -1))),
        ["splitlines"] = (["keepends"], (rendering, text, a) => Splitting.Lines(rendering, text, a[0] is { } keep && Truth.Of(keep))),
        ["partition"] = (["*sep"], (rendering, text, a) => Splitting.Partition(rendering, text, String(a[0]!))),
        ["rpartition"] = (["*sep"], (rendering, text, a) => Splitting.PartitionFromEnd(rendering, text, String(a[0]!))),
        ["startswith"] = (["*prefix", "start", "end"], (rendering, text, a) =>
            Affix(rendering, text, a, static (part, affix) => part.StartsWith(affix, StringComparison.Ordinal))),
        ["endswith"] = (["*suffix", "start", "end"], (rendering, text, a) =>
            Affix(rendering, text, a, static (part, affix) => part.EndsWith(affix, StringComparison.Ordinal))),
        ["removeprefix"] = (["*prefix"], (rendering, text, a) =>
            rendering.Made(text.StartsWith(String(a[0]!), StringComparison.Ordinal) ? text[String(a[0]!).Length..] : text)),
        ["removesuffix"] = (["*suffix"], (rendering, text, a) =>
            rendering.Made(text.EndsWith(String(a[0]!), StringComparison.Ordinal) ? text[..^String(a[0]!).Length] : text)),
        ["upper"] = ([], (rendering, text, _) => Casing.Upper(rendering, text)),
        ["lower"] = ([], (rendering, text, _) => Casing.Lower(rendering, text)),
        ["casefold"] = ([], (_, _, _) => throw new ChatTemplateException("method 'casefold' of a string is not supported: use lower()")),
        ["title"] = ([], (rendering, text, _) => Casing.Title(rendering, text)),
        ["capitalize"] = ([], (rendering, text, _) => Casing.Capitalize(rendering, text)),
        ["swapcase"] = ([], (rendering, text, _) => Casing.Swap(rendering, text)),
        ["replace"] = (["*old", "*new", "count"], (rendering, text, a) =>
            Replace(rendering, text, String(a[0]!), String(a[1]!), Integer(a[2], -1))),
        ["join"] = (["*iterable"], (rendering, text, a) => Join(rendering, text, a[0]!)),
        ["count"] = (["*sub", "start", "end"], (rendering, text, a) => Count(rendering, Part(rendering, text, a[1], a[2]).Text, String(a[0]!))),
        ["find"] = (["*sub", "start", "end"], (rendering, text, a) => Find(rendering, text, a, fromEnd: false, mustBe: false)),
        ["rfind"] = (["*sub", "start", "end"], (rendering, text, a) => Find(rendering, text, a, fromEnd: true, mustBe: false)),
        ["index"] = (["*sub", "start", "end"], (rendering, text, a) => Find(rendering, text, a, fromEnd: false, mustBe: true)),
        ["rindex"] = (["*sub", "start", "end"], (rendering, text, a) => Find(rendering, text, a, fromEnd: true, mustBe: true)),
        ["center"] = (["*width", "fillchar"], (rendering, text, a) => Padding.Center(rendering, text, Integer(a[0], 0), a[1])),
        ["ljust"] = (["*width", "fillchar"], (rendering, text, a) => Padding.Right(rendering, text, Integer(a[0], 0), a[1])),
        ["rjust"] = (["*width", "fillchar"], (rendering, text, a) => Padding.Left(rendering, text, Integer(a[0], 0), a[1])),
        ["zfill"] = (["*width"], (rendering, text, a) => Padding.Zeros(rendering, text, Integer(a[0], 0))),
        ["expandtabs"] = (["tabsize"], (rendering, text, a) => Padding.ExpandTabs(rendering, text, Integer(a[0], 8))),
        ["isspace"] = ([], (rendering, text, _) => All(rendering, text, rune => rune.IsBmp && Characters.IsSpace((char)rune.Value))),
        ["isdigit"] = ([], (rendering, text, _) => All(rendering, text, CharacterClasses.IsDigit)),
        ["isdecimal"] = ([], (rendering, text, _) => All(rendering, text, CharacterClasses.IsDecimal)),
        ["isnumeric"] = ([], (rendering, text, _) => All(rendering, text, CharacterClasses.IsNumeric)),
        ["isalpha"] = ([], (rendering, text, _) => All(rendering, text, Rune.IsLetter)),
        ["isalnum"] = ([], (rendering, text, _) =>
            All(rendering, text, rune => Rune.IsLetter(rune) || CharacterClasses.IsNumeric(rune))),
        ["isascii"] = ([], (rendering, text, _) => Flag.Of(Ascii.IsValid(text))),
        ["isprintable"] = ([], (rendering, text, _) => Flag.Of(text.Length == 0 || (bool)All(rendering, text, ValueText.IsPrintable))),
        ["isupper"] = ([], (rendering, text, _) => Flag.Of(CharacterClasses.IsUpper(rendering, text))),
        ["islower"] = ([], (rendering, text, _) => Flag.Of(CharacterClasses.IsLower(rendering, text))),
        ["istitle"] = ([], (rendering, text, _) => Flag.Of(Casing.Title(rendering, text) == text && text.Any(char.IsLetter))),
        ["isidentifier"] = ([], (rendering, text, _) => IsIdentifier(rendering, text)),
    };

    public static object? Find(string text, string name)
    {
        if (Methods.TryGetValue(name, out var method))
        {
            return new Function(name, (rendering, arguments) =>
            {
                rendering.Read(text.Length);
                return method.Body(rendering, text, arguments.Bind(name, method.Parameters));
            });
        }

        return name switch
        {
            "format" => new Function(name, (rendering, arguments) => FormatString.Format(rendering, text, arguments)),
            "encode" or "format_map" or "maketrans" or "translate" =>
                throw new ChatTemplateException($"method '{name}' of a string is not supported"),
            _ => null,
        };
    }

    /// <summary>Strips white space, or the given characters, from the ends.</summary>
    public static string Strip(Rendering rendering, string text, object? characters, bool atStart, bool atEnd)
    {
        rendering.Read(text.Length);
        if (characters is null or None)
        {
            var (start, end) = (0, text.Length);
            while (atStart && start < end && Characters.IsSpace(text[start])) start++;
            while (atEnd && end > start && Characters.IsSpace(text[end - 1])) end--;
            return text[start..end];
        }

        var given = String(characters);
        rendering.Classify(given.Length);
        rendering.Make(32L * given.Length);
        var set = given.EnumerateRunes().ToHashSet();
        var (first, last) = (0, text.Length);
        while (atStart && first < last && Starts(text.AsSpan(first, last - first), set) is > 0 and var length) first += length;
        while (atEnd && first < last && Ends(text.AsSpan(first, last - first), set) is > 0 and var length) last -= length;
        rendering.Classify(text.Length - (last - first));
        return text[first..last];
    }

    /// <summary>Replaces at most <paramref name="count"/> occurrences; a negative number is no limit.</summary>
    public static string Replace(Rendering rendering, string text, string old, string with, long count)
    {
        rendering.MakeText(text.Length);
        if (old.Length == 0) rendering.Make(8L * text.Length);
        if (count < 0 && with.Length <= old.Length && old.Length is > 0 and < 32) return text.Replace(old, with, StringComparison.Ordinal);
        var replaced = new TextBuilder(rendering);
        var position = 0;
        foreach (var place in old.Length > 0 ? Search.All(rendering, text, old) : Codepoints.Starts(text))
        {
            if (count-- == 0) break;
            replaced.Append(text.AsSpan(position, place - position)).Append(with);
            position = place + old.Length;
        }

        return replaced.Append(text.AsSpan(position)).ToString();
    }

    /// <summary>Joins the strings of an iterable with a separator.</summary>
    public static string Join(Rendering rendering, string separator, object iterable)
    {
        var joined = new TextBuilder(rendering);
        var isFirst = true;
        foreach (var item in Iteration.Of(rendering, iterable))
        {
            rendering.Step();
            if (!isFirst) joined.Append(separator);
            isFirst = false;
            joined.Append(item as string ?? throw new ChatTemplateException($"join(): expected strings, found '{TypeName.Of(item)}'"));
        }

        return joined.ToString();
    }

    /// <summary>An argument that must be a string.</summary>
    public static string String(object value) => value switch
    {
        string text => text,
        Undefined undefined => throw undefined.Exception(),
        _ => throw new ChatTemplateException($"expected a string, found '{TypeName.Of(value)}'"),
    };

    private static long Count(Rendering rendering, string text, string part) =>
        part.Length == 0 ? Codepoints.Count(text) + 1L : Search.All(rendering, text, part).LongCount();

    private static object Find(Rendering rendering, string text, object?[] arguments, bool fromEnd, bool mustBe)
    {
        var part = String(arguments[0]!);
        var (within, offset) = Part(rendering, text, arguments[1], arguments[2]);
        var place = !fromEnd ? Search.IndexOf(rendering, within, part, 0)
            : part.Length == 0 ? within.Length
            : Splitting.LastIndexOf(rendering, within, part);
        if (offset < 0) place = -1;
        if (place < 0 && mustBe) throw new ChatTemplateException("substring not found");
        return place < 0 ? -1L : offset + Codepoints.Count(within.AsSpan(0, place));
    }

    private static object Affix(Rendering rendering, string text, object?[] arguments, Func<string, string, bool> has)
    {
        var (part, offset) = Part(rendering, text, arguments[1], arguments[2]);
        if (offset < 0) return Flag.False;
        if (arguments[0] is not TupleValue affixes) return Flag.Of(has(part, String(arguments[0]!)));
        for (var i = 0; i < affixes.Count; i++)
        {
            var affix = String(affixes[i]);
            rendering.Read(affix.Length);
            if (has(part, affix)) return Flag.True;
        }

        return Flag.False;
    }

    // The part between two indices and the index of its start, negative if beyond the end.
    private static (string Text, long Offset) Part(Rendering rendering, string text, object? start, object? end)
    {
        if (start is null or None && end is null or None) return (text, 0);
        var count = Codepoints.Count(text);
        var first = start is null or None ? 0 : Numbers.Integer(start);
        if (first < 0) first = Math.Max(first + count, 0);
        if (first > count) return ("", -1);
        var slice = new SliceValue(first, end ?? None.Value, None.Value);
        return ((string)Slicing.Of(rendering, text, slice), first);
    }

    private static object All(Rendering rendering, string text, Func<Rune, bool> isSo)
    {
        rendering.Classify(text.Length);
        foreach (var rune in text.EnumerateRunes())
            if (!isSo(rune)) return Flag.False;
        return Flag.Of(text.Length > 0);
    }

    private static object IsIdentifier(Rendering rendering, string text)
    {
        rendering.Classify(text.Length);
        return Flag.Of(text.Length > 0 && Characters.IsNameStart(text[0]) && text.All(Characters.IsNamePart));
    }

    private static int Starts(ReadOnlySpan<char> text, HashSet<Rune> set)
    {
        Rune.DecodeFromUtf16(text, out var rune, out var length);
        return set.Contains(rune) ? length : 0;
    }

    private static int Ends(ReadOnlySpan<char> text, HashSet<Rune> set)
    {
        Rune.DecodeLastFromUtf16(text, out var rune, out var length);
        return set.Contains(rune) ? length : 0;
    }

    private static long Integer(object? value, long byDefault) => value is null ? byDefault : Numbers.Integer(value);
}
