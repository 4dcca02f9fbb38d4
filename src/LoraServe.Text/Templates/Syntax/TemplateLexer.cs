namespace LoraServe.Text.Templates.Syntax;

/// <summary>
/// Cuts a template's source into tokens as Jinja does with trim_blocks and lstrip_blocks: a newline after a block or comment goes with it, so
/// does blank space between the beginning of a line and a block or comment; a minus takes all blank space on its side, a plus keeps it.
/// </summary>
internal sealed partial class TemplateLexer
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
