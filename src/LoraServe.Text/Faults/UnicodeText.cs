using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;

namespace LoraServe.Text.Faults;

/// <summary>
/// Finds JSON strings that are not valid Unicode: an escape can spell half of a surrogate pair, and a file can hold bytes that are not
/// UTF-8. Reading such a string or property name throws.
/// </summary>
public static class UnicodeText
{
    /// <summary>What is wrong with it.</summary>
    public const string Fault = "is not valid Unicode: half of a surrogate pair";

    /// <summary>
    /// The path of the first invalid string in a value, such as messages[0].content, or of the object with an invalid property name; null if
    /// there is none, empty for the value itself.
    /// </summary>
    public static string? FirstInvalid(JsonElement json)
    {
        var raw = JsonMarshal.GetRawUtf8Value(json);
        // In valid UTF-8, only an escape can spell half of a surrogate pair.
        return Utf8.IsValid(raw) && raw.IndexOf("\\u"u8) < 0 ? null : Find(json)?.TrimStart('.');
    }

    private static string? Find(JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                return CanBeRead(() => json.GetString()) ? null : "";
            case JsonValueKind.Array:
                var i = 0;
                foreach (var item in json.EnumerateArray())
                {
                    if (Find(item) is { } place) return $"[{i}]{place}";
                    i++;
                }

                return null;
            case JsonValueKind.Object:
                foreach (var field in json.EnumerateObject())
                {
                    if (!CanBeRead(() => field.Name)) return "";
                    if (Find(field.Value) is { } place) return $".{field.Name}{place}";
                }

                return null;
            default:
                return null;
        }
    }

    private static bool CanBeRead(Func<string?> read)
    {
        try
        {
            read();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
