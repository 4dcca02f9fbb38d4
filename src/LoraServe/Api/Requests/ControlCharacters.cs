using System.Globalization;
using System.Text;
using Serilog.Core;
using Serilog.Events;

namespace LoraServe.Api.Requests;

/// <summary>
/// Escapes characters that control a terminal, change the direction of text or break lines, as in \u202E:
/// client data in a log line can neither forge another line nor mislead its reader.
/// </summary>
internal sealed class ControlCharacters : ILogEventEnricher
{
    /// <summary>Escapes the properties of an event, the only variable parts of its message.</summary>
    public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
    {
        foreach (var (name, value) in logEvent.Properties.ToList())
        {
            if (Escape(value) is var escaped && !ReferenceEquals(escaped, value)) logEvent.AddOrUpdateProperty(new LogEventProperty(name, escaped));
        }
    }

    /// <summary>The same text if there is nothing to escape.</summary>
    public static string Escape(string text)
    {
        if (!text.EnumerateRunes().Any(IsSteering)) return text;
        var escaped = new StringBuilder(text.Length + 16);
        Span<char> units = stackalloc char[2];
        foreach (var rune in text.EnumerateRunes())
        {
            if (!IsSteering(rune)) escaped.Append(rune);
            else
                foreach (var unit in units[..rune.EncodeToUtf16(units)]) escaped.Append(CultureInfo.InvariantCulture, $@"\u{(int)unit:X4}");
        }

        return escaped.ToString();
    }

    private static bool IsSteering(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static LogEventPropertyValue Escape(LogEventPropertyValue value)
    {
        switch (value)
        {
            case ScalarValue { Value: string text }:
                return Escape(text) is var escaped && ReferenceEquals(escaped, text) ? value : new ScalarValue(escaped);
            // Anything but numbers is written as text.
            case ScalarValue { Value: { } other } when !other.GetType().IsPrimitive:
                return other.ToString() is { } shown && Escape(shown) is var safe && !ReferenceEquals(safe, shown) ? new ScalarValue(safe) : value;
            case SequenceValue sequence:
                var elements = sequence.Elements.Select(Escape).ToList();
                return elements.SequenceEqual(sequence.Elements, ReferenceEqualityComparer.Instance) ? value : new SequenceValue(elements);
            default:
                return value;
        }
    }
}
