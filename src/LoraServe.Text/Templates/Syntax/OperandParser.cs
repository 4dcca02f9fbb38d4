using LoraServe.Text.Templates.Library;
using LoraServe.Text.Templates.Nodes;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>Parses names, literals and bracketed expressions, with the attributes, subscripts and calls that follow.</summary>
/// <param name="tokens">The source tokens.</param>
/// <param name="expressions">Parses nested expressions.</param>
/// <param name="calls">Parses the arguments of calls.</param>
internal sealed class OperandParser(TokenStream tokens, ExpressionParser expressions, CallParser calls)
{
    private static readonly Constant NoBound = new(None.Value);

    /// <summary>A name, a literal or a bracketed expression.</summary>
    public Expression Parse()
    {
        var token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                tokens.Take();
                return token.Text switch
                {
                    "true" or "True" => new Constant(Flag.True),
                    "false" or "False" => new Constant(Flag.False),
                    "none" or "None" => NoBound,
                    _ => Variable(tokens.Intern(token.Text)),
                };
            case TokenKind.String:
                var parts = new List<string>();
                while (tokens.Is(TokenKind.String)) parts.Add(tokens.Take().Text);
                return new Constant(string.Concat(parts));
            case TokenKind.Number:
                return new Constant(tokens.Take().Number!);
            case TokenKind.Operator when token.Text == "(":
                tokens.Take();
                var inner = expressions.ParseTuple(allowEmpty: true);
                tokens.ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                tokens.Take();
                return new ListLiteral(ParseItems("]", expressions.Parse));
            case TokenKind.Operator when token.Text == "{":
                tokens.Take();
                return new DictLiteral(ParseItems("}", ParsePair));
            default:
                throw tokens.Unexpected("an expression");
        }
    }

    private Name Variable(string name)
    {
        expressions.NoteRead(name);
        return new Name(name, Functions.Find(name));
    }

    private (Expression Key, Expression Value) ParsePair()
    {
        var key = expressions.Parse();
        tokens.ExpectOperator(":");
        return (key, expressions.Parse());
    }

    private List<T> ParseItems<T>(string end, Func<T> parse)
    {
        var items = new List<T>();
        while (!tokens.IsOperator(end))
        {
            items.Add(parse());
            if (!tokens.SkipOperator(",")) break;
        }

        tokens.ExpectOperator(end);
        return items;
    }

    /// <summary>The attributes, subscripts and calls that follow an operand.</summary>
    public Expression ParsePostfix(Expression expression)
    {
        for (var links = 0; ; tokens.AddLink(ref links))
        {
            if (tokens.SkipOperator(".")) expression = ParseAttribute(expression);
            else if (tokens.SkipOperator("[")) expression = ParseSubscript(expression);
            else if (tokens.IsOperator("(")) expression = new Call(tokens.Current.Line, expression, calls.ParseArguments());
            else return expression;
        }
    }

    private Expression ParseAttribute(Expression owner)
    {
        if (tokens.Is(TokenKind.Number) && tokens.Current.Number is long) return new Subscript(owner, new Constant(tokens.Take().Number!));
        return new AttributeAccess(owner, tokens.TakeName());
    }

    private Subscript ParseSubscript(Expression owner)
    {
        var keys = new List<Expression>();
        while (!tokens.IsOperator("]"))
        {
            if (keys.Count > 0) tokens.ExpectOperator(",");
            keys.Add(ParseKey());
        }

        tokens.ExpectOperator("]");
        return new Subscript(owner, keys.Count == 1 ? keys[0] : new TupleLiteral(keys));
    }

    private Expression ParseKey()
    {
        Expression start = NoBound;
        if (!tokens.IsOperator(":"))
        {
            start = expressions.Parse();
            if (!tokens.IsOperator(":")) return start;
        }

        tokens.ExpectOperator(":");
        var stop = ParseBound();
        var step = tokens.SkipOperator(":") ? ParseBound() : NoBound;
        return new SliceLiteral(start, stop, step);
    }

    private Expression ParseBound() => tokens.IsOperator(":") || tokens.IsOperator("]") || tokens.IsOperator(",") ? NoBound : expressions.Parse();
}
