using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace LoraServe.Text.Faults;

/// <summary>Formats faults, with bounded length whatever the input holds.</summary>
public static class FaultText
{
    /// <summary>The largest length of a fault, in chars.</summary>
    public const int MostOfFault = 400;

    /// <summary>The largest length of a name or value quoted from an input, in chars or bytes of JSON.</summary>
    public const int MostOfValue = 60;

    /// <summary>A name or value from an input, cut to <see cref="MostOfValue"/> chars.</summary>
    public static string Shorten(string value) => Cut(value, MostOfValue);

    /// <summary>A fault, cut to <see cref="MostOfFault"/> chars.</summary>
    public static string Limit(string fault) => Cut(fault, MostOfFault);

    /// <summary>The raw JSON of a value, cut to <see cref="MostOfValue"/> bytes; the rest is never decoded.</summary>
    public static string Show(JsonElement value)
    {
        var json = JsonMarshal.GetRawUtf8Value(value);
        return json.Length <= MostOfValue
            ? Encoding.UTF8.GetString(json)
            : $"{Encoding.UTF8.GetString(json[..MostOfValue]).TrimEnd('\uFFFD')}…";
    }

    /// <summary>Joins faults into one message: as many as a list keeps, each cut, and the number of those left out.</summary>
    public static string Join(IReadOnlyList<string> faults)
    {
        var text = string.Join("; ", faults.Take(FaultList<string>.Most).Select(Limit));
        return faults.Count > FaultList<string>.Most ? $"{text}; and {faults.Count - FaultList<string>.Most} more" : text;
    }

    /// <summary>Cuts a text to a number of chars without splitting a surrogate pair; an ellipsis marks the cut.</summary>
    public static string Cut(string text, int most)
    {
        if (text.Length <= most) return text;
        return $"{text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)]}…";
    }
}
