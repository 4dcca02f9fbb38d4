using System.Text;
using LoraServe.Text.Templates.Syntax;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>Filters whose result is a text.</summary>
internal static class TextFilters
{
    private const int TruncateLeeway = 5;

    public static void AddTo(Dictionary<string, Func<Rendering, object, Arguments, object>> filters)
    {
        filters.Add("string", [], ValueText.Of);
        filters.Add("upper", [], (rendering, value, _) => Casing.Upper(rendering, ValueText.Of(rendering, value)));
        filters.Add("lower", [], (rendering, value, _) => Casing.Lower(rendering, ValueText.Of(rendering, value)));
        filters.Add("capitalize", [], (rendering, value, _) => Casing.Capitalize(rendering, ValueText.Of(rendering, value)));
        filters.Add("title", [], (rendering, value, _) => Title(rendering, ValueText.Of(rendering, value)));
        filters.Add("trim", ["chars"], (rendering, value, a) =>
            rendering.Made(StringMethods.Strip(rendering, ValueText.Of(rendering, value), a[0], atStart: true, atEnd: true)));
        filters.Add("replace", ["*old", "*new", "count"], (rendering, value, a) => StringMethods.Replace(
            rendering,
            ValueText.Of(rendering, value),
            ValueText.Of(rendering, a[0]!),
            ValueText.Of(rendering, a[1]!),
            a[2] is null or None ? -1 : Numbers.Integer(a[2]!)));
        filters.Add("center", ["width"], (rendering, value, a) =>
            Padding.Center(rendering, ValueText.Of(rendering, value), a[0] is null ? 80 : Numbers.Integer(a[0]!)));
        filters.Add("indent", ["width", "first", "blank"], Indent);
        filters.Add("truncate", ["length", "killwords", "end", "leeway"], Truncate);
        filters.Add("wordcount", [], (rendering, value, _) => WordCount(rendering, ValueText.Of(rendering, value)));
        filters.Add("escape", [], (rendering, value, _) => Escape(rendering, ValueText.Of(rendering, value)));
        filters.Add("e", [], (rendering, value, _) => Escape(rendering, ValueText.Of(rendering, value)));
        filters.Add("forceescape", [], (rendering, value, _) => Escape(rendering, ValueText.Of(rendering, value)));
        filters.Add("safe", [], ValueText.Of);
        filters.Add("urlencode", [], UrlEncode);
        filters["format"] = Format;
    }

    private static void Add(
        this Dictionary<string, Func<Rendering, object, Arguments, object>> filters,
        string name,
        string[] parameters,
        Func<Rendering, object, string> body) =>
        filters.Add(name, parameters, (rendering, value, _) => body(rendering, value));

    private static string Title(Rendering rendering, string text)
    {
        rendering.MakeText(text.Length);
        var title = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            var start = i;
            while (i < text.Length && IsSeparator(text[i])) i++;
            title.Append(text.AsSpan(start, i - start));
            start = i;
            while (i < text.Length && !IsSeparator(text[i])) i++;
            if (start == i) continue;
            var first = Codepoints.LengthAt(text, start);
            title.Append(Casing.Upper(rendering, text.Substring(start, first)))
                .Append(Casing.Lower(rendering, text[(start + first)..i]));
        }

        return title.ToString();

        static bool IsSeparator(char character) => character is '-' or '(' or '{' or '[' or '<' || Characters.IsSpace(character);
    }

    private static object Indent(Rendering rendering, object value, object?[] arguments)
    {
        if (value is Undefined undefined) throw undefined.Exception();
        var text = StringMethods.String(value);
        var indent = arguments[0] switch
        {
            null => "    ",
            string given => given,
            var width => Padding.Right(rendering, "", Numbers.Integer(width)),
        };
        var first = arguments[1] is { } isFirst && Truth.Of(isFirst);
        var blank = arguments[2] is { } isBlank && Truth.Of(isBlank);
        rendering.MakeText(text.Length + 1L);
        var lines = (ListValue)Splitting.Lines(rendering, text + "\n", keepEnds: false);
        var indented = new TextBuilder(rendering);
        for (var i = 0; i < lines.Count; i++)
        {
            var line = (string)lines[i];
            if (i > 0) indented.Append('\n');
            if (i == 0 ? first : blank || line.Length > 0) indented.Append(indent);
            indented.Append(line);
        }

        return indented.ToString();
    }

    private static object Truncate(Rendering rendering, object value, object?[] arguments)
    {
        if (value is Undefined) return value;
        var text = StringMethods.String(value);
        var length = arguments[0] is null ? 255 : Numbers.Integer(arguments[0]!);
        var end = arguments[2] is null ? "..." : StringMethods.String(arguments[2]!);
        var leeway = arguments[3] is null or None ? TruncateLeeway : Numbers.Integer(arguments[3]!);
        var endLength = Codepoints.Count(end);
        if (length < endLength) throw new ChatTemplateException($"truncate: expected length >= {endLength}, found {length}");
        if (leeway < 0) throw new ChatTemplateException($"truncate: expected leeway >= 0, found {leeway}");
        rendering.MakeText(text.Length);
        if (Codepoints.Count(text) <= length + leeway) return text;
        var kept = Slicing.Start(text, length - endLength);
        if (arguments[1] is not { } killWords || !Truth.Of(killWords))
        {
            var space = kept.LastIndexOf(' ');
            if (space >= 0) kept = kept[..space];
        }

        return kept + end;
    }

    private static long WordCount(Rendering rendering, string text)
    {
        rendering.Classify(text.Length);
        var count = 0L;
        var isInside = false;
        foreach (var rune in text.EnumerateRunes())
        {
            var isWord = rune.Value == '_' || Rune.IsLetter(rune) || CharacterClasses.IsNumeric(rune);
            if (isWord && !isInside) count++;
            isInside = isWord;
        }

        return count;
    }

    private static string Escape(Rendering rendering, string text)
    {
        var escaped = new TextBuilder(rendering);
        for (var rest = text.AsSpan(); ;)
        {
            var place = rest.IndexOfAny("&<>'\"");
            if (place < 0) return escaped.Append(rest).ToString();
            escaped.Append(rest[..place]).Append(rest[place] switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '\'' => "&#39;",
                _ => "&#34;",
            });
            rest = rest[(place + 1)..];
        }
    }

    private static object UrlEncode(Rendering rendering, object value, object?[] arguments)
    {
        if (value is string or not (SequenceValue or DictValue or DictView or Generator)) return Quote(ValueText.Of(rendering, value), isQuery: false);
        var encoded = new TextBuilder(rendering);
        var isFirst = true;
        foreach (var item in Iteration.Of(rendering, value is DictValue dict ? new DictView(dict, DictView.Part.Items) : value))
        {
            rendering.Step();
            var pair = Iteration.ToList(rendering, item);
            if (pair.Count != 2) throw new ChatTemplateException("urlencode: every item must be a pair of a key and a value");
            if (!isFirst) encoded.Append('&');
            isFirst = false;
            encoded.Append(Quote(ValueText.Of(rendering, pair[0]), isQuery: true)).Append('=').Append(Quote(ValueText.Of(rendering, pair[1]), isQuery: true));
        }

        return encoded.ToString();

        string Quote(string text, bool isQuery)
        {
            rendering.MakeText(text.Length);
            var quoted = new TextBuilder(rendering);
            foreach (var code in Encoding.UTF8.GetBytes(text))
            {
                if (char.IsAsciiLetterOrDigit((char)code) || "_.-~".Contains((char)code) || code == '/' && !isQuery) quoted.Append((char)code);
                else if (code == ' ' && isQuery) quoted.Append('+');
                else quoted.Append($"%{code:X2}");
            }

            return quoted.ToString();
        }
    }

    private static string Format(Rendering rendering, object value, Arguments arguments)
    {
        if (arguments.Named.Count == 0) return Printf.Format(rendering, ValueText.Of(rendering, value), new TupleValue(arguments.Positional));
        if (arguments.Positional.Count > 0)
            throw new ChatTemplateException("format: positional and named arguments cannot be given at the same time");
        var named = new DictValue();
        foreach (var (name, argument) in arguments.Named) named.Set(name, argument);
        return Printf.Format(rendering, ValueText.Of(rendering, value), named);
    }
}
