using System.Buffers;
using System.Globalization;
using System.Numerics;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>The filter tojson of chat templates: Python's json.dumps, which does not escape for HTML.</summary>
internal sealed class JsonText
{
    private static readonly SearchValues<char> Escaped = SearchValues.Create(
        string.Concat(Enumerable.Range(0, 32).Select(code => (char)code)) + "\"\\");

    private readonly Rendering _rendering;
    private readonly TextBuilder _text;
    private readonly bool _asciiOnly;
    private readonly bool _sortKeys;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;

    private JsonText(Rendering rendering, object?[] arguments)
    {
        (_rendering, _text) = (rendering, new TextBuilder(rendering));
        _asciiOnly = arguments[0] is { } ascii && Truth.Of(ascii);
        _indent = arguments[1] switch
        {
            null or None => null,
            string text => text,
            var width => new string(' ', (int)Math.Clamp(Numbers.Integer(width), 0, 1000)),
        };
        (_itemSeparator, _keySeparator) = arguments[2] is null or None
            ? (_indent is null ? ", " : ",", ": ")
            : Separators(rendering, arguments[2]!);
        _sortKeys = arguments[3] is { } sort && Truth.Of(sort);
    }

    /// <summary>The filter.</summary>
    public static object Of(Rendering rendering, object value, Arguments arguments)
    {
        var json = new JsonText(rendering, arguments.Bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys"));
        json.Write(value, level: 1);
        return json._text.ToString();
    }

    private static (string Item, string Key) Separators(Rendering rendering, object value)
    {
        var separators = Iteration.ToList(rendering, value);
        if (separators.Count != 2) throw new ChatTemplateException("tojson: expected two separators, of items and of keys");
        return (StringMethods.String(separators[0]), StringMethods.String(separators[1]));
    }

    private void Write(object value, int level)
    {
        _rendering.EnterValue();
        switch (value)
        {
            case string text: Quote(text); break;
            case None: _text.Append("null"); break;
            case bool flag: _text.Append(flag ? "true" : "false"); break;
            case long or BigInteger: _text.Append(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture)); break;
            case double number: _text.Append(Number(number)); break;
            case ListValue or TupleValue: WriteItems((SequenceValue)value, level); break;
            case DictValue dict: WriteDict(dict, level); break;
            default: throw new ChatTemplateException($"Object of type {TypeName.Of(value)} is not JSON serializable");
        }

        _rendering.LeaveValue();
    }

    private void WriteItems(SequenceValue items, int level)
    {
        _text.Append('[');
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) _text.Append(_itemSeparator);
            NewLine(level);
            Write(items[i], level + 1);
        }

        if (items.Count > 0) NewLine(level - 1);
        _text.Append(']');
    }

    private void WriteDict(DictValue dict, int level)
    {
        _text.Append('{');
        IEnumerable<object> keys = _sortKeys ? Ordering.Sort(_rendering, dict.Keys, static key => key, isReversed: false) : dict.Keys;
        var isFirst = true;
        foreach (var key in keys)
        {
            if (!isFirst) _text.Append(_itemSeparator);
            isFirst = false;
            NewLine(level);
            Quote(Key(key));
            _text.Append(_keySeparator);
            Write(dict.Find(key)!, level + 1);
        }

        if (!isFirst) NewLine(level - 1);
        _text.Append('}');
    }

    private void NewLine(int level)
    {
        if (_indent is null) return;
        _text.Append('\n');
        for (var i = 0; i < level; i++) _text.Append(_indent);
    }

    private static string Key(object key) => key switch
    {
        string text => text,
        None => "null",
        bool flag => flag ? "true" : "false",
        long or BigInteger => ((IFormattable)key).ToString(null, CultureInfo.InvariantCulture),
        double number => Number(number),
        _ => throw new ChatTemplateException($"keys must be str, int, float, bool or None, not {TypeName.Of(key)}"),
    };

    private static string Number(double number) =>
        double.IsNaN(number) ? "NaN"
        : double.IsInfinity(number) ? number > 0 ? "Infinity" : "-Infinity"
        : FloatText.Of(number);

    private void Quote(ReadOnlySpan<char> text)
    {
        _text.Append('"');
        while (text.Length > 0)
        {
            var plain = text.IndexOfAny(Escaped);
            if (plain < 0) plain = text.Length;
            if (_asciiOnly && text[..plain].IndexOfAnyExceptInRange(' ', '~') is >= 0 and var other) plain = other;
            _text.Append(text[..plain]);
            if (plain < text.Length) _text.Append(Escape(text[plain]));
            text = text[Math.Min(plain + 1, text.Length)..];
        }

        _text.Append('"');
    }

    private static string Escape(char character) => character switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\f' => "\\f",
        '\b' => "\\b",
        _ => $"\\u{(int)character:x4}",
    };
}
