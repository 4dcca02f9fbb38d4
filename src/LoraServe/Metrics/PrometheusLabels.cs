using System.Globalization;
using System.Text;

namespace LoraServe.Metrics;

/// <summary>Labels as written between the braces of a sample.</summary>
internal static class PrometheusLabels
{
    /// <summary>The tags of a measurement, sorted by name and escaped.</summary>
    public static string Of(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var sorted = tags.ToArray();
        Array.Sort(sorted, static (x, y) => string.CompareOrdinal(x.Key, y.Key));
        var text = new StringBuilder();
        foreach (var (name, value) in sorted)
        {
            if (text.Length > 0) text.Append(',');
            text.Append(name.Replace('.', '_')).Append("=\"");
            Escape(text, Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
            text.Append('"');
        }

        return text.ToString();
    }

    /// <summary>Joins two lists of labels, either of which may be empty.</summary>
    public static string Join(string first, string second) =>
        first.Length == 0 ? second
        : second.Length == 0 ? first
        : $"{first},{second}";

    private static void Escape(StringBuilder text, string value)
    {
        foreach (var letter in value)
        {
            _ = letter switch
            {
                '\\' => text.Append(@"\\"),
                '"' => text.Append("\\\""),
                '\n' => text.Append(@"\n"),
                _ => text.Append(letter),
            };
        }
    }
}
