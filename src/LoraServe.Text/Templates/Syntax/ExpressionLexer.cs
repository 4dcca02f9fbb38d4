namespace LoraServe.Text.Templates.Syntax;

/// <summary>Splits the inside of a tag into tokens.</summary>
/// <param name="cursor">After the opening delimiter of the tag; reading moves it past the closing one.</param>
internal sealed class ExpressionLexer(SourceCursor cursor)
{
    /// <summary>Reads the tokens of a tag.</summary>
    /// <param name="close">The closing delimiter.</param>
    /// <param name="closeKind">The kind of the closing token.</param>
    public void Read(string close, TokenKind closeKind)
    {
        // Inside brackets, braces belong to dictionaries.
        var brackets = new Stack<char>();
        var begin = cursor.Line;
        while (true)
        {
            cursor.Position = cursor.SpaceEnd(cursor.Position);
            if (cursor.Position >= cursor.Source.Length) throw new InvalidChatTemplateException(begin, $"the tag has no end: expected '{close}'");
            if (brackets.Count == 0 && SkipEnd(close, closeKind)) return;
            var character = cursor.Source[cursor.Position];
            if (char.IsAsciiDigit(character))
            {
                var (start, end) = (cursor.Position, cursor.Position);
                var value = NumberLiteral.Read(cursor.Source, cursor.LineOf(start), ref end);
                cursor.Position = end;
                cursor.Add(TokenKind.Number, "", start, value);
            }
            else if (Characters.IsNameStart(character))
            {
                var start = cursor.Position;
                while (cursor.Position < cursor.Source.Length && Characters.IsNamePart(cursor.Source[cursor.Position])) cursor.Position++;
                if (cursor.Position - start > RenderLimits.NameLength) throw cursor.Fault($"a name may have at most {RenderLimits.NameLength} characters");
                cursor.Add(TokenKind.Name, cursor.Source[start..cursor.Position], start);
            }
            else if (character is '\'' or '"')
            {
                var (start, end) = (cursor.Position, cursor.Position);
                var text = StringLiteral.Read(cursor.Source, cursor.LineOf(start), ref end);
                cursor.Position = end;
                cursor.Add(TokenKind.String, text, start);
            }
            else
            {
                ReadOperator(brackets);
            }
        }
    }

    private bool SkipEnd(string end, TokenKind kind)
    {
        var start = cursor.Position;
        if (cursor.StartsWith(end, cursor.Position))
        {
            cursor.Position += end.Length;
            cursor.SkipAfter(space: false, newline: kind == TokenKind.BlockEnd);
        }
        else if (cursor.Source[cursor.Position] == '-' && cursor.StartsWith(end, cursor.Position + 1))
        {
            cursor.Position = cursor.SpaceEnd(cursor.Position + 1 + end.Length);
        }
        else if (kind == TokenKind.BlockEnd && cursor.Source[cursor.Position] == '+' && cursor.StartsWith(end, cursor.Position + 1))
        {
            cursor.Position += 1 + end.Length;
        }
        else
        {
            return false;
        }

        cursor.Add(kind, end, start);
        return true;
    }

    private void ReadOperator(Stack<char> brackets)
    {
        var start = cursor.Position;
        var text = cursor.Source.AsSpan(start, Math.Min(2, cursor.Source.Length - start)) switch
        {
            "**" or "//" or "==" or "!=" or "<=" or ">=" => cursor.Source.Substring(start, 2),
            _ => cursor.Source.Substring(start, 1),
        };
        if (text.Length == 1 && !"+-/*%~[](){}><=.:|,;".Contains(text[0]))
        {
            var isShown = !char.IsControl(text[0]) && !char.IsSurrogate(text[0]);
            throw cursor.Fault(isShown ? $"unexpected character '{text}'" : $"unexpected character U+{(int)text[0]:X4}");
        }

        switch (text[0])
        {
            case '(': brackets.Push(')'); break;
            case '[': brackets.Push(']'); break;
            case '{': brackets.Push('}'); break;
            case ')' or ']' or '}':
                if (!brackets.TryPop(out var expected)) throw cursor.Fault($"unexpected '{text}'");
                if (expected != text[0]) throw cursor.Fault($"unexpected '{text}', expected '{expected}'");
                break;
        }

        cursor.Position += text.Length;
        cursor.Add(TokenKind.Operator, text, start);
    }
}
