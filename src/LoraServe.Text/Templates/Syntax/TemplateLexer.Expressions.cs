namespace LoraServe.Text.Templates.Syntax;

/// <content>What is within a tag.</content>
internal sealed partial class TemplateLexer
{
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
                if (_position - start > RenderLimits.NameLength) throw Fault($"a name may have at most {RenderLimits.NameLength} characters");
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
}
