using System.Text;

namespace LoraServe.Engine.Peft;

/// <summary>
/// Translates a regular expression of Python's re to .NET, for single-line ASCII subjects. Syntax that .NET lacks or that Python
/// rejects is refused by name.
/// </summary>
internal sealed class PythonPattern
{
    // \d, \w, \s and \b agree on ASCII; quantifiers, alternatives, groups and lookaround are the same. The differences are handled here.
    private const string Escapes = @"AbBdDsSwWzZafnrtvxu";
    private const string ClassEscapes = @"bdDsSwWafnrtvxu";

    // Python's a and u only affect \w beyond ASCII.
    private const string KeptFlags = "ims";
    private const string DroppedFlags = "au";

    private readonly string _pattern;
    private readonly StringBuilder _translated = new();
    private int _position;

    private PythonPattern(string pattern) => _pattern = pattern;

    /// <exception cref="ArgumentException">The message names what is not supported.</exception>
    public static string Translate(string pattern)
    {
        foreach (var letter in pattern)
            if (!char.IsAscii(letter)) throw new ArgumentException($"'{letter}' is in no module's path: only ASCII is supported in a regular expression");
        return new PythonPattern(pattern).Translate();
    }

    private string Translate()
    {
        while (_position < _pattern.Length)
        {
            switch (_pattern[_position])
            {
                case '\\': Escape(Escapes); break;
                case '[': Class(); break;
                case '{': Braces(); break;
                case '(' when Next(1) == '?': Extension(); break;
                default: Keep(1); break;
            }
        }

        return _translated.ToString();
    }

    private char Next(int offset) => _position + offset < _pattern.Length ? _pattern[_position + offset] : '\0';

    private void Keep(int count)
    {
        _translated.Append(_pattern.AsSpan(_position, Math.Min(count, _pattern.Length - _position)));
        _position += count;
    }

    private void Escape(string known)
    {
        var letter = Next(1);
        if (char.IsAsciiDigit(letter)) throw Unsupported("a backreference or octal escape");
        if (letter == '\0' || (char.IsAsciiLetter(letter) && !known.Contains(letter))) throw Unsupported($"'\\{letter}'");
        if (letter == 'Z')
        {
            _translated.Append(@"\z");
            _position += 2;
        }
        else
        {
            Keep(2);
        }
    }

    // In .NET, [a-z-[aeiou]] subtracts and [: begins a named class; in Python both brackets are literal.
    private void Class()
    {
        Keep(Next(1) == '^' ? 2 : 1);
        if (Next(0) == ']') Letter();
        while (_position < _pattern.Length && _pattern[_position] != ']')
        {
            if (_pattern[_position] == '\\') Escape(ClassEscapes);
            else if (_pattern[_position] == '[') Letter();
            else Keep(1);
        }

        Keep(1);
    }

    private void Letter()
    {
        _translated.Append('\\');
        Keep(1);
    }

    // {,n} counts from 0; braces that are not a quantifier are literal.
    private void Braces()
    {
        var end = _pattern.IndexOf('}', _position);
        var inner = end < 0 ? "x" : _pattern[(_position + 1)..end];
        var comma = inner.IndexOf(',', StringComparison.Ordinal);
        var (least, most) = comma < 0 ? (inner, "") : (inner[..comma], inner[(comma + 1)..]);
        if (inner.Length == 0 || !least.All(char.IsAsciiDigit) || !most.All(char.IsAsciiDigit))
        {
            Letter();
            return;
        }

        _translated.Append('{').Append(least.Length == 0 ? "0" : least).Append(comma < 0 ? "" : ",").Append(most).Append('}');
        _position = end + 1;
    }

    private void Extension()
    {
        switch (Next(2), Next(3))
        {
            case (':' or '=' or '!' or '>', _):
                Keep(3);
                break;
            case ('<', '=' or '!'):
                Keep(4);
                break;
            case ('P', '<'):
                _translated.Append("(?<");
                _position += 4;
                break;
            case ('#', _):
                var end = _pattern.IndexOf(')', _position);
                _position = end < 0 ? throw Unsupported("a comment without an end") : end + 1;
                break;
            case ('P', '='):
                throw Unsupported("a backreference");
            case ('(', _):
                throw Unsupported("a condition on a group");
            default:
                Flags();
                break;
        }
    }

    private void Flags()
    {
        var end = _pattern.IndexOfAny([')', ':'], _position);
        var flags = end < 0 ? "x" : _pattern[(_position + 2)..end];
        if (flags.FirstOrDefault(flag => flag != '-' && !KeptFlags.Contains(flag) && !DroppedFlags.Contains(flag)) is var other and not '\0')
            throw Unsupported(char.IsAsciiLetter(other) ? $"the flag '{other}'" : $"'(?{other}'");
        _translated.Append("(?").Append(string.Concat(flags.Where(flag => !DroppedFlags.Contains(flag)))).Append(_pattern[end]);
        _position = end + 1;
    }

    private static ArgumentException Unsupported(string construct) => new($"{construct} is not supported in a regular expression");
}
