using System.Globalization;

namespace LoraServe.Text.Templates.Library;

/// <summary>Python's strftime of a local time without a zone, in the C locale.</summary>
internal static class Strftime
{
    public static string Format(Rendering rendering, DateTimeOffset time, string format)
    {
        var text = new TextBuilder(rendering);
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            var flag = format[++i] is '-' or '_' or '0' or '^' && i + 1 < format.Length ? format[i++] : ' ';
            text.Append(Flagged(Directive(time, format[i]), flag));
        }

        return text.ToString();
    }

    private static string Flagged(string value, char flag) => flag switch
    {
        '-' => value.TrimStart('0', ' ') is { Length: > 0 } trimmed ? trimmed : "0",
        '_' => value.TrimStart('0') is var trimmed && trimmed.Length == 0 ? "0".PadLeft(value.Length) : trimmed.PadLeft(value.Length),
        '0' => value.Replace(' ', '0'),
        '^' => value.ToUpperInvariant(),
        _ => value,
    };

    private static string Directive(DateTimeOffset time, char directive) => directive switch
    {
        'a' => Invariant(time, "ddd"),
        'A' => Invariant(time, "dddd"),
        'b' or 'h' => Invariant(time, "MMM"),
        'B' => Invariant(time, "MMMM"),
        'c' => Invariant(time, "ddd MMM ") + $"{time.Day,2}" + Invariant(time, " HH:mm:ss yyyy"),
        'C' => $"{time.Year / 100:00}",
        'd' => $"{time.Day:00}",
        'D' or 'x' => Invariant(time, "MM'/'dd'/'yy"),
        'e' => $"{time.Day,2}",
        'f' => $"{time.Ticks % TimeSpan.TicksPerSecond / 10:000000}",
        'F' => Invariant(time, "yyyy-MM-dd"),
        'g' => $"{ISOWeek.GetYear(time.DateTime) % 100:00}",
        'G' => $"{ISOWeek.GetYear(time.DateTime)}",
        'H' => $"{time.Hour:00}",
        'I' => $"{Twelve(time):00}",
        'j' => $"{time.DayOfYear:000}",
        'k' => $"{time.Hour,2}",
        'l' => $"{Twelve(time),2}",
        'm' => $"{time.Month:00}",
        'M' => $"{time.Minute:00}",
        'n' => "\n",
        'p' => time.Hour < 12 ? "AM" : "PM",
        'P' => time.Hour < 12 ? "am" : "pm",
        'r' => $"{Twelve(time):00}" + Invariant(time, ":mm:ss ") + (time.Hour < 12 ? "AM" : "PM"),
        'R' => Invariant(time, "HH:mm"),
        's' => $"{time.ToUnixTimeSeconds()}",
        'S' => $"{time.Second:00}",
        't' => "\t",
        'T' or 'X' => Invariant(time, "HH:mm:ss"),
        'u' => $"{(time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek)}",
        'U' => $"{(time.DayOfYear + 6 - (int)time.DayOfWeek) / 7:00}",
        'V' => $"{ISOWeek.GetWeekOfYear(time.DateTime):00}",
        'w' => $"{(int)time.DayOfWeek}",
        'W' => $"{(time.DayOfYear + 6 - ((int)time.DayOfWeek + 6) % 7) / 7:00}",
        'y' => $"{time.Year % 100:00}",
        'Y' => $"{time.Year}",
        'z' or 'Z' => "",
        '%' => "%",
        _ => throw new ChatTemplateException($"strftime_now: the format %{directive} is not supported"),
    };

    private static int Twelve(DateTimeOffset time) => (time.Hour + 11) % 12 + 1;

    private static string Invariant(DateTimeOffset time, string format) => time.ToString(format, CultureInfo.InvariantCulture);
}
