using System.Text.Json;
using LoraServe.Hosting;

namespace LoraServe.Chat;

/// <summary>JSON can spell halves of surrogate pairs, which are no text.</summary>
internal static class UnicodeText
{
    /// <summary>Refuses a body with a text that cannot be read.</summary>
    /// <param name="body">A JSON object.</param>
    /// <exception cref="InvalidRequestException">With the place of the first.</exception>
    public static void Check(JsonElement body)
    {
        if (FirstInvalid(body) is { } place)
            throw new InvalidRequestException(place[1..], "is no valid Unicode: half of a surrogate pair");
    }

    /// <summary>The place of the first text in a value that is no valid Unicode, such as [0].content; null if there is none.</summary>
    /// <param name="json">A value whose names are valid: parsing with a check for duplicates has read them.</param>
    public static string? FirstInvalid(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                return IsValid(json) ? null : "";
            case JsonValueKind.Array:
                var i = 0;
                foreach (var item in json.EnumerateArray())
                {
                    if (FirstInvalid(item) is { } place) return $"[{i}]{place}";
                    i++;
                }

                return null;
            case JsonValueKind.Object:
                foreach (var field in json.EnumerateObject())
                {
                    if (FirstInvalid(field.Value) is { } place) return $".{field.Name}{place}";
                }

                return null;
            default:
                return null;
        }
    }

    private static bool IsValid(JsonElement text)
    {
        try
        {
            text.GetString();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
