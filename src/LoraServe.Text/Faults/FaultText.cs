using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace LoraServe.Text.Faults;

/// <summary>The words of faults, bounded whatever the input holds.</summary>
public static class FaultText
{
    /// <summary>Most characters of a fault.</summary>
    public const int MostOfFault = 400;

    /// <summary>Most characters, or bytes of JSON, of a name or a value out of an input.</summary>
    public const int MostOfValue = 60;

    /// <summary>A name or a value out of an input, cut to what a fault can hold.</summary>
    public static string Shorten(string value) => Cut(value, MostOfValue);

    /// <summary>A fault, cut where it quotes more than a person reads.</summary>
    public static string Limit(string fault) => Cut(fault, MostOfFault);

    /// <summary>A value as it was sent, cut to what a fault can hold; no more than that is decoded.</summary>
    public static string Show(JsonElement value)
    {
        var json = JsonMarshal.GetRawUtf8Value(value);
        return json.Length <= MostOfValue
            ? Encoding.UTF8.GetString(json)
            : $"{Encoding.UTF8.GetString(json[..MostOfValue]).TrimEnd('\uFFFD')}…";
    }

    /// <summary>All faults in one message: as many as a list keeps, each cut, and how many more there are.</summary>
    public static string Join(IReadOnlyList<string> faults)
    {
        var text = string.Join("; ", faults.Take(FaultList<string>.Most).Select(Limit));
        return faults.Count > FaultList<string>.Most ? $"{text}; and {faults.Count - FaultList<string>.Most} more" : text;
    }

    /// <summary>A text, cut to so many characters, none of them half of a surrogate pair.</summary>
    public static string Cut(string text, int most)
    {
        if (text.Length <= most) return text;
        return $"{text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)]}…";
    }
}
