using System.Buffers;
using System.Globalization;
using System.Text;

namespace LoraServe.Text.Tokenizers.Patterns;

/// <summary>Parses pattern items that match one scalar value: a literal, an escape, a property or a bracketed class.</summary>
internal sealed class RuneSetParser(string source)
{
    private const int MaxDepth = 20;

    private int _depth;

    /// <summary>Parses the item at <paramref name="position"/> and moves past it.</summary>
    /// <exception cref="FormatException">the item is malformed or not supported</exception>
    public RuneSet Parse(ref int position, bool ignoreCase)
    {
        if (source[position] == '[') return ParseClass(ref position, ignoreCase);
        var (set, rune) = ParseItem(ref position);
        if (!ignoreCase) return set;
        return rune is { } letter ? RuneSet.OfIgnoringCase(letter) : set.IgnoringCase();
    }

    /// <summary>[...], with ranges, nested classes, POSIX brackets and intersections (&amp;&amp;).</summary>
    private RuneSet ParseClass(ref int position, bool ignoreCase)
    {
        if (++_depth > MaxDepth) throw Fault($"more than {MaxDepth} nested character classes", position);
        var start = position++;
        var negative = Accept("^", ref position);
        RuneSet? intersection = null;
        var union = new List<RuneSet>();
        var intersections = 0;
        for (var first = true; ; first = false)
        {
            if (position >= source.Length) throw Fault("an unclosed character class", start);
            if (source[position] == ']' && !first) break;
            if (Accept("&&", ref position))
            {
                if (++intersections > MaxDepth) throw Fault($"more than {MaxDepth} intersections in a character class", start);
                intersection = Intersect(intersection, union);
                union = [];
                continue;
            }
            union.Add(ParseClassItem(ref position, ignoreCase));
        }
        position++;
        _depth--;
        var set = Intersect(intersection, union);
        if (ignoreCase) set = set.IgnoringCase();
        return negative ? set.Complement() : set;
    }

    private static RuneSet Intersect(RuneSet? left, List<RuneSet> union)
    {
        var right = union.Count == 1 ? union[0] : RuneSet.AnyOf(union);
        return left?.Intersection(right) ?? right;
    }

    private RuneSet ParseClassItem(ref int position, bool ignoreCase)
    {
        if (AcceptPosixBracket(ref position) is { } posix) return posix;
        if (source[position] == '[') return ParseClass(ref position, ignoreCase);
        var start = position;
        var (set, rune) = ParseItem(ref position, inClass: true);
        var isRange = source.AsSpan(position) is ['-', not (']' or '['), ..];
        if (rune is null || !isRange) return set;
        position++;
        var (_, last) = ParseItem(ref position, inClass: true);
        return last >= rune ? RuneSet.Range(rune.Value, last.Value) : throw Fault("a character range that does not rise", start);
    }

    private RuneSet? AcceptPosixBracket(ref int position)
    {
        if (string.CompareOrdinal(source, position, "[:", 0, 2) != 0) return null;
        var end = source.IndexOf(":]", position + 2, StringComparison.Ordinal);
        if (end < 0) return null;
        var name = source[(position + 2)..end];
        if (!name.TrimStart('^').All(char.IsAsciiLetter)) return null;
        var set = RuneProperties.FindBracket(name.TrimStart('^')) ?? throw Fault($"[:{name}:], which is not supported", position);
        position = end + 2;
        return name.StartsWith('^') ? set.Complement() : set;
    }

    /// <summary>A literal or an escape: the set, and the value if it is exactly one.</summary>
    private (RuneSet Set, int? Rune) ParseItem(ref int position, bool inClass = false)
    {
        if (source[position] != '\\')
        {
            if (Rune.DecodeFromUtf16(source.AsSpan(position), out var literal, out var length) != OperationStatus.Done)
                throw Fault("text that is not Unicode", position);
            position += length;
            return Only(literal.Value);
        }
        var start = position++;
        if (position >= source.Length) throw Fault("a \\ at its end", start);
        var escape = source[position++];
        return escape switch
        {
            's' => (RuneProperties.WhiteSpace, null),
            'S' => (RuneProperties.WhiteSpace.Complement(), null),
            'd' => (RuneProperties.Digit, null),
            'D' => (RuneProperties.Digit.Complement(), null),
            'w' => (inClass ? RuneProperties.Word : RuneProperties.BareWord, null),
            'W' => ((inClass ? RuneProperties.Word : RuneProperties.BareWord).Complement(), null),
            'h' => (RuneProperties.HexDigit, null),
            'H' => (RuneProperties.HexDigit.Complement(), null),
            'p' => (ParseProperty(ref position, negative: false), null),
            'P' => (ParseProperty(ref position, negative: true), null),
            'n' => Only('\n'),
            'r' => Only('\r'),
            't' => Only('\t'),
            'f' => Only('\f'),
            'v' => Only('\v'),
            'a' => Only('\a'),
            'e' => Only('\e'),
            'b' when inClass => Only('\b'),
            'x' when Accept("{", ref position) => Only(ParseBracedHex(ref position)),
            'x' => Only(ParseHex(ref position, 2)),
            'u' => Only(ParseHex(ref position, 4)),
            '0' => Only('\0'),
            _ when char.IsAsciiLetterOrDigit(escape) => throw Fault($"\\{escape}, which is not supported", start),
            _ => Only(escape),
        };
    }

    private static (RuneSet, int?) Only(int rune) => (RuneSet.Of(rune), rune);

    private RuneSet ParseProperty(ref int position, bool negative)
    {
        var start = position;
        var end = Accept("{", ref position) ? source.IndexOf('}', position) : -1;
        if (end < 0) throw Fault("a \\p without {name}", start);
        if (Accept("^", ref position)) negative = !negative;
        var name = source[position..end];
        var set = RuneProperties.Find(name) ?? throw Fault($"the property {name}, which is not supported", start);
        position = end + 1;
        return negative ? set.Complement() : set;
    }

    private int ParseBracedHex(ref int position)
    {
        var end = source.IndexOf('}', position);
        if (end < 0) throw Fault("an unclosed \\x{", position);
        var value = ParseHex(ref position, end - position);
        position = end + 1;
        return value;
    }

    private int ParseHex(ref int position, int digits)
    {
        if (position + digits > source.Length
            || !int.TryParse(source.AsSpan(position, digits), NumberStyles.AllowHexSpecifier, null, out var value)
            || value is < 0 or > 0x10FFFF)
        {
            throw Fault("a malformed hexadecimal escape", position);
        }
        position += digits;
        return value;
    }

    private bool Accept(string token, ref int position)
    {
        if (string.CompareOrdinal(source, position, token, 0, token.Length) != 0) return false;
        position += token.Length;
        return true;
    }

    private static FormatException Fault(string what, int position) =>
        new($"the regular expression has {what} (at character {position})");
}
