namespace LoraServe.Text.Templates.Syntax;

/// <summary>A place in a template's source, and the tokens before it.</summary>
/// <param name="source">With newlines as the only ends of lines.</param>
internal sealed class SourceCursor(string source)
{
    private int _counted;

    /// <summary>The place: up to the length of the source.</summary>
    public int Position { get; set; }

    /// <summary>The whole source.</summary>
    public string Source => source;

    /// <summary>What was read.</summary>
    public List<Token> Tokens { get; } = [];

    /// <summary>The line that was asked for last, from 1.</summary>
    public int Line { get; private set; } = 1;

    /// <summary>Adds a token.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="text">Its text.</param>
    /// <param name="start">Where it begins; null: at the cursor.</param>
    /// <param name="number">Its value, if it is a number.</param>
    public void Add(TokenKind kind, string text, int? start = null, object? number = null) =>
        Tokens.Add(new Token(kind, text, LineOf(start ?? Position), number));

    /// <summary>The line of a place. Asked for places in ascending order, so that every line is counted once.</summary>
    public int LineOf(int position)
    {
        for (; _counted < position; _counted++)
            if (source[_counted] == '\n') Line++;
        return Line;
    }

    /// <summary>Where blank space from a place on ends.</summary>
    public int SpaceEnd(int position)
    {
        while (position < source.Length && Characters.IsSpace(source[position])) position++;
        return position;
    }

    /// <summary>Whether the source continues with a text at a position.</summary>
    public bool StartsWith(string text, int position) =>
        position <= source.Length && source.AsSpan(position).StartsWith(text, StringComparison.Ordinal);

    /// <summary>Skips what a tag takes behind it: all blank space, or a newline.</summary>
    public void SkipAfter(bool space, bool newline)
    {
        if (space) Position = SpaceEnd(Position);
        else if (newline && Position < source.Length && source[Position] == '\n') Position++;
    }

    /// <summary>A fault at the cursor.</summary>
    public InvalidChatTemplateException Fault(string fault) => new(LineOf(Position), fault);
}
