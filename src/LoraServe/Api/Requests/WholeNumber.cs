using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace LoraServe.Api.Requests;

/// <summary>Accepts 24.0 for 24, since some clients have no integers.</summary>
internal static class WholeNumber
{
    // More digits than any 64-bit integer with zeros after the point.
    private const int MaxLength = 32;

    /// <summary>The number without point or exponent if the field takes whole numbers and it is one; otherwise the value as it is.</summary>
    public static JsonElement Plain(JsonElement json, Type type)
    {
        var target = Nullable.GetUnderlyingType(type) ?? type;
        if (json.ValueKind != JsonValueKind.Number || (target != typeof(int) && target != typeof(long))) return json;
        var text = JsonMarshal.GetRawUtf8Value(json);
        return text.Length <= MaxLength && text.IndexOfAny("."u8[0], "e"u8[0], "E"u8[0]) >= 0
            && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && decimal.IsInteger(number) && number is >= long.MinValue and <= long.MaxValue
                ? JsonSerializer.SerializeToElement((long)number)
                : json;
    }
}
