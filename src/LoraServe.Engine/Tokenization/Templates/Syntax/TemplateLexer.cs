namespace LoraServe.Engine.Tokenization.Templates.Syntax;

/// <summary>
/// Cuts a template's source into tokens as Jinja does with trim_blocks and lstrip_blocks: a newline after a block or comment goes with it, so
/// does blank space between the beginning of a line and a block or comment; a minus takes all blank space on its side, a plus keeps it.
/// </summary>
internal sealed class TemplateLexer
{
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _position;
    private int _line = 1;
    private int _counted;

    private TemplateLexer(string source) => _source = source;

    /// <exception cref="InvalidChatTemplateException">It is not made of tokens.</exception>
    public static List<Token> Read(string source)
    {
        var text = source.ReplaceLineEndings("\n").Replace('\r', '\n');
        var lexer = new TemplateLexer(text.EndsWith('\n') ? text[..^1] : text);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        while (_position < _source.Length)
        {
            var start = _position;
            var tag = FindTag(start);
            if (tag < 0)
            {
                AddData(start, _source.Length);
                _position = _source.Length;
                break;
            }

            switch (_source[tag + 1])
            {
                case '{':
                    AddDataBefore(start, tag, isPrint: true);
                    _position = tag + 2;
                    SkipSign();
                    Add(TokenKind.PrintBegin, "{{");
                    ReadExpression("}}", TokenKind.PrintEnd);
                    break;
                case '#':
                    AddDataBefore(start, tag, isPrint: false);
                    _position = tag + 2;
                    SkipSign();
                    SkipComment();
                    break;
                default:
                    AddDataBefore(start, tag, isPrint: false);
                    _position = tag + 2;
                    SkipSign();
                    if (SkipRawTag()) ReadRaw();
                    else
                    {
                        Add(TokenKind.BlockBegin, "{%");
                        ReadExpression("%}", TokenKind.BlockEnd);
                    }

                    break;
            }
        }

        Add(TokenKind.End, "");
    }

    private int FindTag(int start)
    {
        for (var i = _source.IndexOf('{', start); i >= 0 && i + 1 < _source.Length; i = _source.IndexOf('{', i + 1))
        {
            if (_source[i + 1] is '{' or '%' or '#') return i;
        }

        return -1;
    }

    private void SkipSign()
    {
        if (_position < _source.Length && _source[_position] is '-' or '+') _position++;
    }

    // The text in front of a tag, without the blank space that the tag takes.
    private void AddDataBefore(int start, int tag, bool isPrint)
    {
        var sign = tag + 2 < _source.Length ? _source[tag + 2] : ' ';
        var end = tag;
        if (sign == '-')
        {
            while (end > start && Characters.IsSpace(_source[end - 1])) end--;
        }
        else if (sign != '+' && !isPrint)
        {
            var blank = tag;
            while (blank > start && Characters.IsSpace(_source[blank - 1]) && _source[blank - 1] != '\n') blank--;
            if (blank == 0 || _source[blank - 1] == '\n') end = blank;
        }

        AddData(start, end);
    }

    private void AddData(int start, int end)
    {
        if (end > start) _tokens.Add(new Token(TokenKind.Data, _source[start..end], LineOf(start)));
    }

    // As in Jinja, what is opened at the very end is nothing.
    private void SkipComment()
    {
        if (_position == _source.Length) return;
        var end = _source.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0) throw Fault("the comment has no end: expected '#}'");
        var takesSpace = end > _position && _source[end - 1] == '-';
        var keepsLine = end > _position && _source[end - 1] == '+';
        _position = end + 2;
        SkipAfter(takesSpace, !keepsLine);
    }

    // {% raw %}; a newline after it stays.
    private bool SkipRawTag()
    {
        var position = SpaceEnd(_position);
        if (!StartsWith("raw", position)) return false;
        position = SpaceEnd(position + 3);
        if (StartsWith("-%}", position)) _position = SpaceEnd(position + 3);
        else if (StartsWith("%}", position)) _position = position + 2;
        else return false;
        return true;
    }

    private void ReadRaw()
    {
        if (_position == _source.Length) return;
        var start = _position;
        for (var tag = NextBlock(start); tag >= 0; tag = NextBlock(tag + 1))
        {
            _position = tag + 2;
            SkipSign();
            var word = SpaceEnd(_position);
            if (!StartsWith("endraw", word)) continue;
            var end = SpaceEnd(word + 6);
            var sign = end < _source.Length ? _source[end] : ' ';
            if (sign is '-' or '+') end++;
            if (!StartsWith("%}", end)) continue;
            AddDataBefore(start, tag, isPrint: false);
            _position = end + 2;
            SkipAfter(sign == '-', sign != '+');
            return;
        }

        throw Fault("'raw' has no end: expected '{% endraw %}'");
    }

    private int NextBlock(int start) => _source.IndexOf("{%", start, StringComparison.Ordinal);

    private void SkipAfter(bool space, bool newline)
    {
        if (space) _position = SpaceEnd(_position);
        else if (newline && _position < _source.Length && _source[_position] == '\n') _position++;
    }

    // Within brackets, braces are those of dictionaries.
    private void ReadExpression(string end, TokenKind endKind)
    {
        var brackets = new Stack<char>();
        var begin = _line;
        while (true)
        {
            _position = SpaceEnd(_position);
            if (_position >= _source.Length) throw new InvalidChatTemplateException(begin, $"the tag has no end: expected '{end}'");
            if (brackets.Count == 0 && SkipEnd(end, endKind)) return;
            var character = _source[_position];
            if (char.IsAsciiDigit(character))
            {
                var line = LineOf(_position);
                var value = NumberLiteral.Read(_source, line, ref _position);
                _tokens.Add(new Token(TokenKind.Number, "", line, value));
            }
            else if (Characters.IsNameStart(character))
            {
                var start = _position;
                while (_position < _source.Length && Characters.IsNamePart(_source[_position])) _position++;
                Add(TokenKind.Name, _source[start.._position], start);
            }
            else if (character is '\'' or '"')
            {
                var start = _position;
                var text = StringLiteral.Read(_source, LineOf(start), ref _position);
                Add(TokenKind.String, text, start);
            }
            else
            {
                ReadOperator(brackets);
            }
        }
    }

    private bool SkipEnd(string end, TokenKind kind)
    {
        var start = _position;
        if (StartsWith(end, _position))
        {
            _position += end.Length;
            SkipAfter(space: false, newline: kind == TokenKind.BlockEnd);
        }
        else if (_source[_position] == '-' && StartsWith(end, _position + 1))
        {
            _position = SpaceEnd(_position + 1 + end.Length);
        }
        else if (kind == TokenKind.BlockEnd && _source[_position] == '+' && StartsWith(end, _position + 1))
        {
            _position += 1 + end.Length;
        }
        else
        {
            return false;
        }

        Add(kind, end, start);
        return true;
    }

    private void ReadOperator(Stack<char> brackets)
    {
        var start = _position;
        var text = _source.AsSpan(start, Math.Min(2, _source.Length - start)) switch
        {
            "**" or "//" or "==" or "!=" or "<=" or ">=" => _source.Substring(start, 2),
            _ => _source.Substring(start, 1),
        };
        if (text.Length == 1 && !"+-/*%~[](){}><=.:|,;".Contains(text[0]))
        {
            var isShown = !char.IsControl(text[0]) && !char.IsSurrogate(text[0]);
            throw Fault(isShown ? $"unexpected character '{text}'" : $"unexpected character U+{(int)text[0]:X4}");
        }

        switch (text[0])
        {
            case '(': brackets.Push(')'); break;
            case '[': brackets.Push(']'); break;
            case '{': brackets.Push('}'); break;
            case ')' or ']' or '}':
                if (!brackets.TryPop(out var expected)) throw Fault($"unexpected '{text}'");
                if (expected != text[0]) throw Fault($"unexpected '{text}', expected '{expected}'");
                break;
        }

        _position += text.Length;
        Add(TokenKind.Operator, text, start);
    }

    private int SpaceEnd(int position)
    {
        while (position < _source.Length && Characters.IsSpace(_source[position])) position++;
        return position;
    }

    private bool StartsWith(string text, int position) =>
        position <= _source.Length && _source.AsSpan(position).StartsWith(text, StringComparison.Ordinal);

    private void Add(TokenKind kind, string text, int? start = null) => _tokens.Add(new Token(kind, text, LineOf(start ?? _position)));

    // Asked for places in ascending order, so that every line is counted once.
    private int LineOf(int position)
    {
        for (; _counted < position; _counted++)
            if (_source[_counted] == '\n') _line++;
        return _line;
    }

    private InvalidChatTemplateException Fault(string fault) => new(LineOf(_position), fault);
}
