using System.Globalization;
using System.Numerics;
using System.Text;

namespace LoraServe.Text.Templates.Values;

/// <summary>Values as text: Python's str and repr.</summary>
internal static class ValueText
{
    /// <summary>Python's str of the value.</summary>
    public static string Of(Rendering rendering, object value) => value switch
    {
        string text => text,
        Undefined => "",
        long number => number.ToString(CultureInfo.InvariantCulture),
        _ => Represent(rendering, value),
    };

    /// <summary>Python's repr of the value.</summary>
    public static string Represent(Rendering rendering, object value)
    {
        var text = new TextBuilder(rendering);
        Represent(rendering, text, value);
        return text.ToString();
    }

    private static void Represent(Rendering rendering, TextBuilder text, object value)
    {
        rendering.EnterValue();
        switch (value)
        {
            case string content: Quote(text, content); break;
            case None: text.Append("None"); break;
            case bool flag: text.Append(flag ? "True" : "False"); break;
            case long or BigInteger: text.Append(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture)); break;
            case double number: text.Append(FloatText.Of(number)); break;
            case ListValue list: Join(rendering, text, "[", list, "]"); break;
            case TupleValue { Count: 1 } tuple: Join(rendering, text, "(", tuple, ",)"); break;
            case TupleValue tuple: Join(rendering, text, "(", tuple, ")"); break;
            case RangeValue { Step: 1 } range: text.Append($"range({range.Start}, {range.Stop})"); break;
            case RangeValue range: text.Append($"range({range.Start}, {range.Stop}, {range.Step})"); break;
            case DictValue dict: Join(rendering, text, dict); break;
            case DictView view:
                text.Append(view.TypeName).Append('(');
                Join(rendering, text, "[", new ListValue([.. view.Values]), "])");
                break;
            case Undefined: text.Append("Undefined"); break;
            case NamespaceValue space:
                text.Append("<Namespace ");
                Join(rendering, text, space.Attributes);
                text.Append('>');
                break;
            case LoopValue loop: text.Append($"<LoopContext {loop.Attribute(rendering, "index")}/{loop.Length(rendering)}>"); break;
            case MacroValue { Macro.Name: { } name }: text.Append($"<Macro '{name}'>"); break;
            default: throw new ChatTemplateException($"a {TypeName.Of(value)} cannot be printed");
        }

        rendering.LeaveValue();
    }

    private static void Join(Rendering rendering, TextBuilder text, string begin, SequenceValue items, string end)
    {
        text.Append(begin);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) text.Append(", ");
            Represent(rendering, text, items[i]);
        }

        text.Append(end);
    }

    private static void Join(Rendering rendering, TextBuilder text, DictValue dict)
    {
        text.Append('{');
        var isFirst = true;
        foreach (var (key, value) in dict.Items)
        {
            if (!isFirst) text.Append(", ");
            isFirst = false;
            Represent(rendering, text, key);
            text.Append(": ");
            Represent(rendering, text, value);
        }

        text.Append('}');
    }

    private static void Quote(TextBuilder text, string content)
    {
        var quote = content.Contains('\'') && !content.Contains('"') ? '"' : '\'';
        text.Append(quote);
        foreach (var rune in content.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '\\': text.Append("\\\\"); break;
                case '\n': text.Append("\\n"); break;
                case '\r': text.Append("\\r"); break;
                case '\t': text.Append("\\t"); break;
                case var value when value == quote: text.Append('\\').Append(quote); break;
                case var value when IsPrintable(rune): text.Append(rune.ToString()); break;
                case < 0x100: text.Append($"\\x{rune.Value:x2}"); break;
                case < 0x10000: text.Append($"\\u{rune.Value:x4}"); break;
                default: text.Append($"\\U{rune.Value:x8}"); break;
            }
        }

        text.Append(quote);
    }

    /// <summary>Whether Python's repr prints the character unescaped.</summary>
    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.SpaceSeparator);
}
