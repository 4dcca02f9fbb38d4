using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace LoraServe.Api.Requests;

/// <summary>Some clients have no whole numbers and write 24.0 for 24.</summary>
internal static class WholeNumber
{
    // More digits than any whole number of 64 bits has, with its zeros behind the point.
    private const int MaxLength = 32;

    /// <summary>The number without a point or an exponent where the field takes whole numbers and it is one; else the value as it is.</summary>
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
