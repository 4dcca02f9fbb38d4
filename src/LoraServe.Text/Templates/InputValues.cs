using System.Numerics;
using System.Text.Json;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates;

/// <summary>Converts JSON to template values.</summary>
internal static class InputValues
{
    // Python's default limit on the digits of an integer.
    private const int MaxDigits = 4300;

    /// <exception cref="ChatTemplateException">It is nested too deeply, or a string has half of a surrogate pair.</exception>
    public static object Of(JsonElement json)
    {
        try
        {
            return Of(json, depth: 0);
        }
        catch (InvalidOperationException e)
        {
            throw new ChatTemplateException("a text of the input is not valid Unicode (half of a surrogate pair)", e);
        }
    }

    private static object Of(JsonElement json, int depth)
    {
        if (depth > RenderLimits.ValueDepth) throw new ChatTemplateException($"the input is nested more than {RenderLimits.ValueDepth} deep");
        switch (json.ValueKind)
        {
            case JsonValueKind.String: return json.GetString()!;
            case JsonValueKind.True: return Flag.True;
            case JsonValueKind.False: return Flag.False;
            case JsonValueKind.Number: return Number(json);
            case JsonValueKind.Array:
                var items = new object[json.GetArrayLength()];
                var index = 0;
                foreach (var item in json.EnumerateArray()) items[index++] = Of(item, depth + 1);
                return new ListValue(items);
            case JsonValueKind.Object:
                var dict = new DictValue();
                foreach (var property in json.EnumerateObject()) dict.Set(property.Name, Of(property.Value, depth + 1));
                return dict;
            default: return None.Value;
        }
    }

    private static object Number(JsonElement json)
    {
        if (json.TryGetInt64(out var integer)) return integer;
        var text = json.GetRawText();
        if (text.AsSpan().IndexOfAny(".eE") >= 0) return json.GetDouble();
        return text.Length <= MaxDigits
            ? BigInteger.Parse(text)
            : throw new ChatTemplateException($"an integer of the input has more than {MaxDigits} digits");
    }
}
