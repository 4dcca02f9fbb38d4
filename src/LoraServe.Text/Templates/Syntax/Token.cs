namespace LoraServe.Text.Templates.Syntax;

internal enum TokenKind
{
    Data,
    PrintBegin,
    PrintEnd,
    BlockBegin,
    BlockEnd,
    Name,
    String,
    Number,
    Operator,
    End,
}

/// <summary>A token of a template's source.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Data, a name, an operator, or the content of a string.</param>
/// <param name="Line">The line of its start, from 1.</param>
/// <param name="Number">The value of a number.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Line, object? Number = null)
{
    public bool Is(TokenKind kind, string text) => Kind == kind && Text == text;

    /// <summary>The token as named in error messages.</summary>
    public override string ToString() => Kind switch
    {
        TokenKind.Data => "text",
        TokenKind.PrintBegin => "'{{'",
        TokenKind.PrintEnd => "'}}'",
        TokenKind.BlockBegin => "'{%'",
        TokenKind.BlockEnd => "'%}'",
        TokenKind.String => "a string",
        TokenKind.Number => "a number",
        TokenKind.End => "the end of the template",
        _ => $"'{(Text.Length > 60 ? Text[..60] : Text)}'",
    };
}
