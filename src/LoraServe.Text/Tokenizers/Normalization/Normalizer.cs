using System.Text;
using LoraServe.Text.Tokenizers.Patterns;

namespace LoraServe.Text.Tokenizers.Normalization;

/// <summary>Changes text before pre-tokenization; decoding does not undo it.</summary>
internal delegate string Normalizer(string text);

/// <summary>The field "normalizer" of tokenizer.json.</summary>
internal static class NormalizerReader
{
    private const string Supported = "Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Prepend, Replace, ByteLevel or Nmt";

    /// <exception cref="FormatException">a field is missing, of a wrong type or not supported</exception>
    public static Normalizer Read(JsonField field)
    {
        switch (field.Type)
        {
            case "Sequence":
                Normalizer[] steps = [.. field["normalizers"].Items().Select(Read)];
                return text => steps.Aggregate(text, (current, step) => step(current));
            case "NFC": return text => UnicodeNormalization.Normalize(text, compatible: false, compose: true);
            case "NFD": return text => UnicodeNormalization.Normalize(text, compatible: false, compose: false);
            case "NFKC": return text => UnicodeNormalization.Normalize(text, compatible: true, compose: true);
            case "NFKD": return text => UnicodeNormalization.Normalize(text, compatible: true, compose: false);
            case "Lowercase": return Lowercase;
            case "Strip": return ReadStrip(field);
            case "StripAccents": return text => Filter(text, rune => !RuneProperties.Mark.Contains(rune));
            case "Prepend":
                var prefix = field["prepend"].AsText();
                return text => text.Length == 0 ? text : prefix + text;
            case "Replace":
                var pattern = PatternReader.Read(field["pattern"]);
                var content = field["content"].AsText();
                return text => pattern.Replace(text, content);
            case "ByteLevel": return EncodeBytes;
            case "Nmt": return Nmt;
            default: throw field["type"].Expected(Supported);
        }
    }

    private static string Lowercase(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // U+0130 is the only letter whose lower case is two scalar values.
            if (rune.Value == 'İ') result.Append("i\u0307");
            else result.Append(Rune.ToLowerInvariant(rune));
        }
        return result.ToString();
    }

    private static Normalizer ReadStrip(JsonField field)
    {
        var left = field["strip_left"].AsBool();
        var right = field["strip_right"].AsBool();
        return text =>
        {
            if (left) text = text.TrimStart();
            return right ? text.TrimEnd() : text;
        };
    }

    private static string EncodeBytes(string text)
    {
        var buffer = new char[text.Length * 3];
        return new string(buffer, 0, ByteLevel.Encode(text, buffer));
    }

    /// <summary>The cleanup of Moses-style NMT pipelines: removes control characters and turns unusual separators into spaces.</summary>
    private static string Nmt(string text)
    {
        var kept = Filter(text, rune => rune is not ((>= 0x01 and <= 0x08) or 0x0B or (>= 0x0E and <= 0x1F) or 0x7F or 0x8F or 0x9F));
        return string.Create(kept.Length, kept, (result, source) =>
        {
            for (var i = 0; i < result.Length; i++)
            {
                result[i] = source[i] is '\t' or '\n' or '\f' or '\r' or '\u1680' or (>= '\u200B' and <= '\u200F')
                    or '\u2028' or '\u2029' or '\u2581' or '\uFEFF' or '\uFFFD' ? ' ' : source[i];
            }
        });
    }

    private static string Filter(string text, Func<int, bool> isKept)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (isKept(rune.Value)) result.Append(rune);
        }
        return result.ToString();
    }
}
