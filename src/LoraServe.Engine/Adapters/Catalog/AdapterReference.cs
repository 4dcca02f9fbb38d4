using System.Globalization;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>
/// What a request runs on: one adapter, "name" or "name@version" with a prefix of a version, or a mix of several with coefficients,
/// "a:0.7,b@12ab:-0.3".
/// </summary>
public sealed class AdapterReference
{
    /// <summary>Most adapters in a mix.</summary>
    public const int MaxParts = 8;

    // Beyond this the sum of a mix leaves the range that a model knows, and eventually that of its dtype.
    internal const double MaxCoefficient = 1000;

    private const int VersionLength = 64;
    private const int MaxNameLength = AdapterName.MaxLength + 1 + VersionLength;
    private const int MaxTextLength = MaxParts * 256;

    private AdapterReference(IReadOnlyList<AdapterPart> parts) => Parts = parts;

    /// <summary>At least one; a single one with coefficient 1 is that adapter itself.</summary>
    public IReadOnlyList<AdapterPart> Parts { get; }

    /// <summary>Reads the text of a request.</summary>
    /// <exception cref="InvalidAdapterReferenceException">The text does not have this form; the message lists every fault.</exception>
    public static AdapterReference Parse(string text)
    {
        if (text.Length > MaxTextLength)
            throw new InvalidAdapterReferenceException($"expected at most {MaxTextLength} characters, found {text.Length}");
        var faults = NewFaults();
        var texts = text.Split(',');
        CheckCount(texts.Length);
        return Create([.. texts.Select(part => ParsePart(part, faults))], faults);
    }

    /// <summary>A mix of adapters.</summary>
    /// <exception cref="InvalidAdapterReferenceException">The message lists every fault.</exception>
    public static AdapterReference From(IReadOnlyList<AdapterPart> parts) => Create(parts, NewFaults());

    /// <summary>As a request writes it.</summary>
    public override string ToString() => string.Join(',', Parts);

    private static AdapterReference Create(IReadOnlyList<AdapterPart> parts, FaultList faults)
    {
        CheckCount(parts.Count);
        foreach (var part in parts)
        {
            if (part.Name.Length > MaxNameLength)
            {
                faults.Add($"expected a name, with its version, of at most {MaxNameLength} characters, found one of {part.Name.Length}");
                continue;
            }

            if (!AdapterName.IsValid(part.Alias)) faults.Add($"'{part.Alias}': expected {AdapterName.Rule}");
            if (part.VersionPrefix is { } prefix && !IsVersionPrefix(prefix))
                faults.Add($"'{part.Name}': expected 1 to {VersionLength} hexadecimal digits in lower case after the @");
            if (!double.IsFinite(part.Coefficient) || Math.Abs(part.Coefficient) > MaxCoefficient)
                faults.Add($"'{part.Name}': expected a weight between -{MaxCoefficient} and {MaxCoefficient}, found {part.Coefficient}");
        }

        faults.ThrowIfAny();
        return new AdapterReference([.. parts]);
    }

    private static FaultList NewFaults() => new(faults => new InvalidAdapterReferenceException(faults));

    // Before anything that grows with the number: the text is untrusted.
    private static void CheckCount(int count)
    {
        if (count is 0 or > MaxParts) throw new InvalidAdapterReferenceException($"expected 1 to {MaxParts} adapters, found {count}");
    }

    private static AdapterPart ParsePart(string text, FaultList faults)
    {
        var isTrained = AdapterName.IsTrained(text);
        var colon = isTrained ? text.LastIndexOf(':') : text.IndexOf(':');
        if (colon < 0) return new AdapterPart(text, 1);
        var (name, number) = (text[..colon], text[(colon + 1)..]);
        if (double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var coefficient)) return new AdapterPart(name, coefficient);
        // Its last part is not a number; see the rule for names.
        if (isTrained) return new AdapterPart(text, 1);
        faults.Add($"'{name}': expected a number as its weight, found '{FaultText.Shorten(number)}'");
        return new AdapterPart(name, 1);
    }

    private static bool IsVersionPrefix(string text) =>
        text.Length is > 0 and <= VersionLength && text.All(letter => char.IsAsciiHexDigitLower(letter));
}
