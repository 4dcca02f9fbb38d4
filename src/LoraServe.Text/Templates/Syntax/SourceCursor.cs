namespace LoraServe.Text.Templates.Syntax;

/// <summary>A position in a template's source, and the tokens before it.</summary>
/// <param name="source">The source; newlines are its only line breaks.</param>
internal sealed class SourceCursor(string source)
{
    private int _counted;

    /// <summary>The position, in chars, at most the length of the source.</summary>
    public int Position { get; set; }

    /// <summary>The whole source.</summary>
    public string Source => source;

    /// <summary>The tokens read so far.</summary>
    public List<Token> Tokens { get; } = [];

    /// <summary>The line last computed, from 1.</summary>
    public int Line { get; private set; } = 1;

    /// <summary>Adds a token.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="text">Its text.</param>
    /// <param name="start">Its start; null: at the cursor.</param>
    /// <param name="number">Its value, if it is a number.</param>
    public void Add(TokenKind kind, string text, int? start = null, object? number = null) =>
        Tokens.Add(new Token(kind, text, LineOf(start ?? Position), number));

    /// <summary>The line of a position. Positions must be given in ascending order, so that each line is counted once.</summary>
    public int LineOf(int position)
    {
        for (; _counted < position; _counted++)
            if (source[_counted] == '\n') Line++;
        return Line;
    }

    /// <summary>The end of the white space from a position on.</summary>
    public int SpaceEnd(int position)
    {
        while (position < source.Length && Characters.IsSpace(source[position])) position++;
        return position;
    }

    /// <summary>Whether the source continues with a text at a position.</summary>
    public bool StartsWith(string text, int position) =>
        position <= source.Length && source.AsSpan(position).StartsWith(text, StringComparison.Ordinal);

    /// <summary>Skips what a tag strips after it: all white space, or a newline.</summary>
    public void SkipAfter(bool space, bool newline)
    {
        if (space) Position = SpaceEnd(Position);
        else if (newline && Position < source.Length && source[Position] == '\n') Position++;
    }

    /// <summary>A fault at the cursor.</summary>
    public InvalidChatTemplateException Fault(string fault) => new(LineOf(Position), fault);
}
