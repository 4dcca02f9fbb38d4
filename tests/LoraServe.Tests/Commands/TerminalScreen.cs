using System.Globalization;
using System.Text;

namespace LoraServe.Tests.Commands;

/// <summary>
/// A terminal's content after some output, for the ECMA-48 control sequences that progress bars use. Lines that scrolled off are kept, as in
/// a terminal's history. After the last column, the next character goes to the next line (DEC's delayed wrap).
/// </summary>
internal sealed class TerminalScreen(int columns, int rows)
{
    private readonly List<StringBuilder> _lines = [new()];
    // Lines that continue the previous one.
    private readonly HashSet<StringBuilder> _wrapped = [];
    private int _row;
    private int _column;

    /// <summary>The lines, without trailing blanks.</summary>
    public IReadOnlyList<string> Lines => [.. _lines.Select(line => line.ToString().TrimEnd())];

    /// <summary>The lines as one text.</summary>
    public string Text => string.Join('\n', Lines);

    /// <summary>The lines as written, with wrapped lines joined.</summary>
    public string Unwrapped => string.Concat(_lines.Select((line, i) => i == 0 || _wrapped.Contains(line) ? $"{line}" : $"\n{line}"));

    /// <summary>Whether the cursor is visible.</summary>
    public bool IsCursorShown { get; private set; } = true;

    private int Top => Math.Max(0, _lines.Count - rows);

    /// <summary>Writes output, control sequences included.</summary>
    /// <exception cref="NotSupportedException">An unknown control sequence.</exception>
    public void Write(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\u001b':
                    i = Escape(text, i + 1);
                    break;
                case '\r':
                    _column = 0;
                    break;
                case '\n':
                    MoveDown();
                    _wrapped.Remove(_lines[_row]);
                    break;
                case '\b':
                    _column = Math.Max(0, _column - 1);
                    break;
                case >= ' ':
                    Put(text[i]);
                    break;
            }
        }
    }

    private void Put(char character)
    {
        if (_column == columns)
        {
            _column = 0;
            MoveDown();
            _wrapped.Add(_lines[_row]);
        }

        var line = _lines[_row];
        while (line.Length <= _column) line.Append(' ');
        line[_column++] = character;
    }

    private void MoveDown()
    {
        if (++_row == _lines.Count) _lines.Add(new StringBuilder());
    }

    // Returns the index of the last character of the sequence.
    private int Escape(string text, int at)
    {
        // The rest of a sequence may not have been written yet.
        if (at == text.Length) return at;
        if (text[at] == ']') return text.IndexOfAny(['\a', '\\'], at) is var last and >= 0 ? last : text.Length;
        // Keypad modes.
        if (text[at] is '=' or '>') return at;
        if (text[at] != '[') throw new NotSupportedException($"ESC {text[at]}");
        var end = at + 1;
        while (end < text.Length && text[end] is < '@' or > '~') end++;
        if (end == text.Length) return end;
        Control(text[end], text[(at + 1)..end]);
        return end;
    }

    private void Control(char code, string parameters)
    {
        var number = int.TryParse(parameters, CultureInfo.InvariantCulture, out var given) ? given : 0;
        switch (code)
        {
            case 'A':
                _row = Math.Max(Top, _row - Math.Max(1, number));
                break;
            case 'B':
                _row = Math.Min(_lines.Count - 1, _row + Math.Max(1, number));
                break;
            case 'C':
                _column = Math.Min(columns - 1, _column + Math.Max(1, number));
                break;
            case 'D':
                _column = Math.Max(0, _column - Math.Max(1, number));
                break;
            case 'G':
                _column = Math.Max(1, number) - 1;
                break;
            case 'K':
                Erase(_lines[_row], number);
                break;
            case 'J':
                Erase(_lines[_row], number);
                if (number == 0) _lines.RemoveRange(_row + 1, _lines.Count - _row - 1);
                break;
            case 'h' or 'l' when parameters == "?25":
                IsCursorShown = code == 'h';
                break;
            // Colours, modes.
            case 'm' or 'h' or 'l':
                break;
            default:
                throw new NotSupportedException($"CSI {parameters}{code}");
        }
    }

    private void Erase(StringBuilder line, int part)
    {
        if (part == 0) line.Length = Math.Min(line.Length, _column);
        else if (part == 2) line.Clear();
        else for (var i = 0; i < Math.Min(line.Length, _column + 1); i++) line[i] = ' ';
    }
}
