namespace LoraServe.Text.Templates.Syntax;

/// <summary>
/// Splits a template's source into tokens as Jinja does with trim_blocks and lstrip_blocks: a newline after a block or comment is removed,
/// and so is white space between the start of a line and a block or comment; a minus strips all white space on its side, a plus keeps it.
/// </summary>
internal sealed class TemplateLexer
{
    private readonly string _source;
    private readonly SourceCursor _cursor;
    private readonly ExpressionLexer _expressions;

    private TemplateLexer(string source)
    {
        (_source, _cursor) = (source, new SourceCursor(source));
        _expressions = new ExpressionLexer(_cursor);
    }

    /// <exception cref="InvalidChatTemplateException">The source has an invalid or unclosed token.</exception>
    public static List<Token> Read(string source)
    {
        var text = source.ReplaceLineEndings("\n").Replace('\r', '\n');
        var lexer = new TemplateLexer(text.EndsWith('\n') ? text[..^1] : text);
        lexer.ReadAll();
        return lexer._cursor.Tokens;
    }

    private void ReadAll()
    {
        while (_cursor.Position < _source.Length)
        {
            var start = _cursor.Position;
            var tag = FindTag(start);
            if (tag < 0)
            {
                AddData(start, _source.Length);
                _cursor.Position = _source.Length;
                break;
            }

            switch (_source[tag + 1])
            {
                case '{':
                    AddDataBefore(start, tag, isPrint: true);
                    _cursor.Position = tag + 2;
                    SkipSign();
                    _cursor.Add(TokenKind.PrintBegin, "{{");
                    _expressions.Read("}}", TokenKind.PrintEnd);
                    break;
                case '#':
                    AddDataBefore(start, tag, isPrint: false);
                    _cursor.Position = tag + 2;
                    SkipSign();
                    SkipComment();
                    break;
                default:
                    AddDataBefore(start, tag, isPrint: false);
                    _cursor.Position = tag + 2;
                    SkipSign();
                    if (SkipRawTag()) ReadRaw();
                    else
                    {
                        _cursor.Add(TokenKind.BlockBegin, "{%");
                        _expressions.Read("%}", TokenKind.BlockEnd);
                    }

                    break;
            }
        }

        _cursor.Add(TokenKind.End, "");
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
        if (_cursor.Position < _source.Length && _source[_cursor.Position] is '-' or '+') _cursor.Position++;
    }

    // The text before a tag, without the white space that the tag strips.
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
        if (end > start) _cursor.Add(TokenKind.Data, _source[start..end], start);
    }

    // As in Jinja, what is opened at the very end is nothing.
    private void SkipComment()
    {
        if (_cursor.Position == _source.Length) return;
        var end = _source.IndexOf("#}", _cursor.Position, StringComparison.Ordinal);
        if (end < 0) throw _cursor.Fault("the comment has no end: expected '#}'");
        var takesSpace = end > _cursor.Position && _source[end - 1] == '-';
        var keepsLine = end > _cursor.Position && _source[end - 1] == '+';
        _cursor.Position = end + 2;
        _cursor.SkipAfter(takesSpace, !keepsLine);
    }

    // {% raw %}; a newline after it stays.
    private bool SkipRawTag()
    {
        var position = _cursor.SpaceEnd(_cursor.Position);
        if (!_cursor.StartsWith("raw", position)) return false;
        position = _cursor.SpaceEnd(position + 3);
        if (_cursor.StartsWith("-%}", position)) _cursor.Position = _cursor.SpaceEnd(position + 3);
        else if (_cursor.StartsWith("%}", position)) _cursor.Position = position + 2;
        else return false;
        return true;
    }

    private void ReadRaw()
    {
        if (_cursor.Position == _source.Length) return;
        var start = _cursor.Position;
        for (var tag = NextBlock(start); tag >= 0; tag = NextBlock(tag + 1))
        {
            _cursor.Position = tag + 2;
            SkipSign();
            var word = _cursor.SpaceEnd(_cursor.Position);
            if (!_cursor.StartsWith("endraw", word)) continue;
            var end = _cursor.SpaceEnd(word + 6);
            var sign = end < _source.Length ? _source[end] : ' ';
            if (sign is '-' or '+') end++;
            if (!_cursor.StartsWith("%}", end)) continue;
            AddDataBefore(start, tag, isPrint: false);
            _cursor.Position = end + 2;
            _cursor.SkipAfter(sign == '-', sign != '+');
            return;
        }

        throw _cursor.Fault("'raw' has no end: expected '{% endraw %}'");
    }

    private int NextBlock(int start) => _source.IndexOf("{%", start, StringComparison.Ordinal);
}
