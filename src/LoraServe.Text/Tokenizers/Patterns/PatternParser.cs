using System.Globalization;
using static LoraServe.Text.Tokenizers.Patterns.PatternNode;

namespace LoraServe.Text.Tokenizers.Patterns;

/// <summary>
/// Parses the part of Oniguruma's Ruby syntax that describes regular languages with lookaround. Backreferences, subexpression
/// calls, absent operators and general atomic groups are refused with a <see cref="FormatException"/> that names the position.
/// </summary>
internal sealed class PatternParser
{
    private const int MaxDepth = 100;
    private const int MaxRepeat = 1000;
    private const int MaxQuantifiers = 10;
    private const int MaxLength = 1 << 16;

    private readonly string _source;
    private readonly RuneSetParser _sets;
    private int _position;
    private int _depth;
    private bool _ignoreCase;
    private bool _dotMatchesNewline;

    private PatternParser(string source)
    {
        _source = source;
        _sets = new RuneSetParser(source);
    }

    public static PatternNode Parse(string source)
    {
        if (source.Length > MaxLength) throw new FormatException($"the regular expression has more than {MaxLength} characters");
        var parser = new PatternParser(source);
        var node = parser.ParseAlternation();
        return parser.AtEnd ? node : throw parser.Fault("an unmatched )");
    }

    private bool AtEnd => _position == _source.Length;

    private PatternNode ParseAlternation()
    {
        if (++_depth > MaxDepth) throw Fault($"more than {MaxDepth} nested groups");
        // An option like (?i) lasts to the end of its group, alternatives included.
        var (ignoreCase, dotMatchesNewline) = (_ignoreCase, _dotMatchesNewline);
        var items = new List<PatternNode> { ParseSequence() };
        while (Accept("|")) items.Add(ParseSequence());
        (_ignoreCase, _dotMatchesNewline) = (ignoreCase, dotMatchesNewline);
        _depth--;
        return items.Count == 1 ? items[0] : new Alternation(items);
    }

    private Sequence ParseSequence()
    {
        var items = new List<PatternNode>();
        while (!AtEnd && _source[_position] is not ('|' or ')'))
        {
            if (ParseAtom() is { } atom) items.Add(ParseQuantifiers(atom));
        }
        return new Sequence(items);
    }

    private PatternNode? ParseAtom()
    {
        if (Accept("(")) return ParseGroup();
        if (Accept("^")) return new Assert(Assertion.LineStart);
        if (Accept("$")) return new Assert(Assertion.LineEnd);
        if (Accept(".")) return new One(_dotMatchesNewline ? new RuneSet(_ => true) : RuneSet.Of('\n').Complement());
        if (AcceptAssertion() is { } assertion) return new Assert(assertion);
        if (_source[_position] is '*' or '+' or '?') throw Fault("a quantifier with nothing before it");
        return new One(_sets.Parse(ref _position, _ignoreCase));
    }

    private Assertion? AcceptAssertion() =>
        Accept(@"\A") ? Assertion.TextStart
        : Accept(@"\z") ? Assertion.TextEnd
        : Accept(@"\Z") ? Assertion.TextEndOrFinalNewline
        : Accept(@"\b") ? Assertion.WordBoundary
        : Accept(@"\B") ? Assertion.NoWordBoundary
        : null;

    private PatternNode? ParseGroup()
    {
        if (Accept("?#"))
        {
            var end = _source.IndexOf(')', _position);
            _position = end < 0 ? throw Fault("an unclosed comment") : end + 1;
            return null;
        }
        if (Accept("?=")) return new Look(ParseGroupBody(), Behind: false, Negative: false);
        if (Accept("?!")) return new Look(ParseGroupBody(), Behind: false, Negative: true);
        if (Accept("?<=")) return ParseLookbehind(negative: false);
        if (Accept("?<!")) return ParseLookbehind(negative: true);
        if (Accept("?>")) throw Fault("an atomic group, which is not supported");
        if (Accept("?<"))
        {
            var end = _source.IndexOf('>', _position);
            _position = end < 0 ? throw Fault("an unclosed group name") : end + 1;
            return ParseGroupBody();
        }
        return Accept("?") ? ParseOptions() : ParseGroupBody();
    }

    private Look ParseLookbehind(bool negative)
    {
        var body = ParseGroupBody();
        return body.Length is null ? throw Fault("a lookbehind of variable length, which is not supported")
            : new Look(body, Behind: true, negative);
    }

    /// <summary>(?im-im) to the end of the enclosing group, or (?im-im:...).</summary>
    private PatternNode? ParseOptions()
    {
        var (ignoreCase, dotMatchesNewline, on) = (_ignoreCase, _dotMatchesNewline, true);
        while (!AtEnd)
        {
            switch (_source[_position++])
            {
                case '-': on = false; break;
                case 'i': ignoreCase = on; break;
                case 'm': dotMatchesNewline = on; break;
                case ')':
                    (_ignoreCase, _dotMatchesNewline) = (ignoreCase, dotMatchesNewline);
                    return null;
                case ':':
                    var outer = (_ignoreCase, _dotMatchesNewline);
                    (_ignoreCase, _dotMatchesNewline) = (ignoreCase, dotMatchesNewline);
                    var body = ParseGroupBody();
                    (_ignoreCase, _dotMatchesNewline) = outer;
                    return body;
                default:
                    _position--;
                    throw Fault("a group option that is not supported");
            }
        }
        throw Fault("an unclosed group");
    }

    private PatternNode ParseGroupBody()
    {
        var body = ParseAlternation();
        return Accept(")") ? body : throw Fault("an unclosed group");
    }

    private PatternNode ParseQuantifiers(PatternNode atom)
    {
        for (var count = 1; !AtEnd && AcceptQuantifier() is { } quantifier; count++)
        {
            // Each quantifier adds a level to the tree, which is walked recursively.
            if (count > MaxQuantifiers) throw Fault($"more than {MaxQuantifiers} quantifiers in a row");
            var (min, max, isInterval) = quantifier;
            // In the Ruby syntax {n,m}+ repeats the interval and {n}? makes it optional.
            var greed = !(isInterval && min == max) && Accept("?") ? Greed.Lazy
                : !isInterval && Accept("+") ? Greed.Possessive
                : Greed.Greedy;
            if (greed == Greed.Possessive && atom is not One) throw Fault("a possessive quantifier after a group, which is not supported");
            if (max is null && atom.MayBeEmpty) throw Fault("an endless repetition of what can match nothing, which is not supported");
            atom = new Repeat(atom, min, max, greed);
        }
        return atom;
    }

    private (int Min, int? Max, bool IsInterval)? AcceptQuantifier()
    {
        if (Accept("*")) return (0, null, false);
        if (Accept("+")) return (1, null, false);
        if (Accept("?")) return (0, 1, false);
        var end = _source[_position] == '{' ? _source.IndexOf('}', _position) : -1;
        if (end < 0) return null;
        var bounds = _source[(_position + 1)..end].Split(',');
        if (bounds.Length > 2 || bounds.All(bound => bound.Length == 0)) return null;
        if (!bounds.All(bound => bound.All(char.IsAsciiDigit))) return null;
        var min = Bound(bounds[0]) ?? 0;
        var max = Bound(bounds[^1]);
        if (min > MaxRepeat || max > MaxRepeat || max < min) throw Fault($"a repetition that is not 0 to {MaxRepeat} in rising order");
        _position = end + 1;
        return (min, max, true);
    }

    private static int? Bound(string digits) => digits.Length == 0 ? null
        : int.TryParse(digits, NumberStyles.None, null, out var value) ? value
        : int.MaxValue;

    private bool Accept(string token)
    {
        if (string.CompareOrdinal(_source, _position, token, 0, token.Length) != 0) return false;
        _position += token.Length;
        return true;
    }

    private FormatException Fault(string what) => new($"the regular expression has {what} (at character {_position})");
}
