using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Library;

/// <summary>Python's str.format with fields such as {}, {0}, {name} and {{; attributes, conversions and specifications are not supported.</summary>
internal static class FormatString
{
    public static object Format(Rendering rendering, string format, Arguments arguments)
    {
        var text = new TextBuilder(rendering);
        int? automatic = null;
        for (var i = 0; i < format.Length;)
        {
            var brace = format.AsSpan(i).IndexOfAny('{', '}');
            if (brace < 0)
            {
                text.Append(format.AsSpan(i));
                break;
            }

            text.Append(format.AsSpan(i, brace));
            i += brace;
            if (i + 1 < format.Length && format[i + 1] == format[i])
            {
                text.Append(format[i]);
                i += 2;
                continue;
            }

            var end = format[i] == '{' ? format.IndexOf('}', i) : -1;
            if (end < 0) throw new ChatTemplateException("format(): a brace stands alone in the format string");
            var field = format[(i + 1)..end];
            text.Append(ValueText.Of(rendering, Value(rendering, field, arguments, ref automatic)));
            i = end + 1;
        }

        return text.ToString();
    }

    private static object Value(Rendering rendering, string field, Arguments arguments, ref int? automatic)
    {
        if (field.AsSpan().IndexOfAny(".[!:{") >= 0)
            throw new ChatTemplateException("format(): attributes, items, conversions and format specifications in a field are not supported");
        if (field.Length == 0 || int.TryParse(field, out _))
        {
            // The number of fields without an index so far, or -1 after the first with one: the two cannot be mixed.
            if (automatic is { } known && known < 0 == (field.Length == 0))
                throw new ChatTemplateException("format(): fields with and without an index cannot be mixed");
            var index = field.Length == 0 ? automatic ?? 0 : int.Parse(field);
            automatic = field.Length == 0 ? index + 1 : -1;
            return index >= 0 && index < arguments.Positional.Count
                ? arguments.Positional[index]
                : throw new ChatTemplateException($"format(): there is no argument {index}");
        }

        rendering.Steps(arguments.Named.Count);
        return arguments.Find(field) ?? throw new ChatTemplateException($"format(): there is no argument '{field}'");
    }
}
