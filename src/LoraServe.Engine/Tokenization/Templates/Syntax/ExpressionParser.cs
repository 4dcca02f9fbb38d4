using LoraServe.Engine.Tokenization.Templates.Library;
using LoraServe.Engine.Tokenization.Templates.Nodes;
using LoraServe.Engine.Tokenization.Templates.Values;

namespace LoraServe.Engine.Tokenization.Templates.Syntax;

/// <summary>Reads expressions with the precedence of Jinja's operators.</summary>
internal sealed partial class ExpressionParser(TokenStream tokens)
{
    private static readonly Constant NoBound = new(None.Value);

    private readonly List<InvalidChatTemplateException> _unknown = [];

    /// <summary>Names that were read since somebody emptied it.</summary>
    public HashSet<string> NamesRead { get; set; } = [];

    /// <summary>
    /// Whether what is read may never run, so that an unknown filter in it is a fault only when it does, as in Jinja.
    /// </summary>
    public bool IsConditional { get; set; }

    /// <summary>An expression, or several with commas between them, which are a tuple.</summary>
    /// <param name="allowConditional">Whether it can be of the form a if b.</param>
    /// <param name="allowEmpty">Whether nothing at all is an empty tuple.</param>
    public Expression ParseTuple(bool allowConditional = true, bool allowEmpty = false)
    {
        var items = new List<Expression>();
        var isTuple = false;
        while (!IsTupleEnd())
        {
            items.Add(allowConditional ? Parse() : ParseNested(ParseOr));
            if (!tokens.SkipOperator(",")) break;
            isTuple = true;
        }

        if (isTuple) return new TupleLiteral(items);
        if (items.Count == 1) return items[0];
        return allowEmpty ? new TupleLiteral(items) : throw tokens.Unexpected("an expression");
    }

    /// <summary>One expression.</summary>
    public Expression Parse() => ParseNested(ParseConditional);

    /// <summary>Whether the name is a variable that can be set.</summary>
    public static bool IsAssignable(string name) => name is not ("true" or "false" or "none" or "True" or "False" or "None");

    private Expression ParseNested(Func<Expression> parse)
    {
        tokens.Enter();
        var expression = parse();
        tokens.Leave();
        return expression;
    }

    private Expression ParseConditional()
    {
        var unknown = _unknown.Count;
        var expression = ParseOr();
        while (tokens.SkipName("if"))
        {
            // What came before the condition may never run either.
            _unknown.RemoveRange(unknown, _unknown.Count - unknown);
            var wasConditional = IsConditional;
            IsConditional = true;
            var condition = ParseOr();
            var otherwise = tokens.SkipName("else") ? ParseNested(ParseConditional) : null;
            expression = new Conditional(condition, expression, otherwise);
            IsConditional = wasConditional;
        }

        return expression;
    }

    private Expression ParseOr()
    {
        var left = ParseAnd();
        while (tokens.SkipName("or")) left = new Or(left, ParseAnd());
        return left;
    }

    private Expression ParseAnd()
    {
        var left = ParseNot();
        while (tokens.SkipName("and")) left = new And(left, ParseNot());
        return left;
    }

    private Expression ParseNot() => tokens.SkipName("not") ? new Not(ParseNested(ParseNot)) : ParseComparison();

    private Expression ParseComparison()
    {
        var first = ParseSum();
        var rest = new List<(Func<Rendering, object, object, bool>, Expression)>();
        while (TakeComparison() is { } comparison) rest.Add((comparison, ParseSum()));
        return rest.Count == 0 ? first : new Comparison(first, rest);
    }

    private Func<Rendering, object, object, bool>? TakeComparison()
    {
        if (tokens.SkipName("in")) return Membership.Contains;
        if (tokens.IsName("not") && tokens.Following.Is(TokenKind.Name, "in"))
        {
            tokens.Take();
            tokens.Take();
            return static (rendering, item, container) => !Membership.Contains(rendering, item, container);
        }

        if (!tokens.Is(TokenKind.Operator)) return null;
        Func<Rendering, object, object, bool>? comparison = tokens.Current.Text switch
        {
            "==" => Equality.Of,
            "!=" => static (rendering, left, right) => !Equality.Of(rendering, left, right),
            "<" => Ordering.IsLess,
            ">" => Ordering.IsGreater,
            "<=" => Ordering.IsLessOrEqual,
            ">=" => Ordering.IsGreaterOrEqual,
            _ => null,
        };
        if (comparison is not null) tokens.Take();
        return comparison;
    }

    private Expression ParseSum()
    {
        var left = ParseConcatenation();
        while (true)
        {
            if (tokens.SkipOperator("+")) left = new Binary(Arithmetic.Add, left, ParseConcatenation());
            else if (tokens.SkipOperator("-")) left = new Binary(Arithmetic.Subtract, left, ParseConcatenation());
            else return left;
        }
    }

    private Expression ParseConcatenation()
    {
        var first = ParseProduct();
        if (!tokens.IsOperator("~")) return first;
        var parts = new List<Expression> { first };
        while (tokens.SkipOperator("~")) parts.Add(ParseProduct());
        return new Concatenation(parts);
    }

    private Expression ParseProduct()
    {
        var left = ParsePower();
        while (true)
        {
            if (tokens.SkipOperator("*")) left = new Binary(Arithmetic.Multiply, left, ParsePower());
            else if (tokens.SkipOperator("/")) left = new Binary(Arithmetic.Divide, left, ParsePower());
            else if (tokens.SkipOperator("//")) left = new Binary(Arithmetic.FloorDivide, left, ParsePower());
            else if (tokens.SkipOperator("%")) left = new Binary(Arithmetic.Modulo, left, ParsePower());
            else return left;
        }
    }

    // To the left, unlike in Python.
    private Expression ParsePower()
    {
        var left = ParseUnary(withFilters: true);
        while (tokens.SkipOperator("**")) left = new Binary(Arithmetic.Power, left, ParseUnary(withFilters: true));
        return left;
    }

    private Expression ParseUnary(bool withFilters)
    {
        Expression expression;
        if (tokens.SkipOperator("-")) expression = new Unary(Arithmetic.Negate, ParseNested(() => ParseUnary(withFilters: false)));
        else if (tokens.SkipOperator("+")) expression = new Unary(Arithmetic.Plus, ParseNested(() => ParseUnary(withFilters: false)));
        else expression = ParsePrimary();
        expression = ParsePostfix(expression);
        return withFilters ? ParseFiltersAndTests(expression) : expression;
    }

    private Expression ParsePrimary()
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
                var inner = ParseTuple(allowEmpty: true);
                tokens.ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                tokens.Take();
                return new ListLiteral(ParseItems("]", Parse));
            case TokenKind.Operator when token.Text == "{":
                tokens.Take();
                return new DictLiteral(ParseItems("}", ParsePair));
            default:
                throw tokens.Unexpected("an expression");
        }
    }

    private Name Variable(string name)
    {
        NamesRead.Add(name);
        return new Name(name, Functions.Find(name));
    }

    private (Expression Key, Expression Value) ParsePair()
    {
        var key = Parse();
        tokens.ExpectOperator(":");
        return (key, Parse());
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

    private Expression ParsePostfix(Expression expression)
    {
        while (true)
        {
            if (tokens.SkipOperator(".")) expression = ParseAttribute(expression);
            else if (tokens.SkipOperator("[")) expression = ParseSubscript(expression);
            else if (tokens.IsOperator("(")) expression = new Call(tokens.Current.Line, expression, ParseArguments());
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
            start = Parse();
            if (!tokens.IsOperator(":")) return start;
        }

        tokens.ExpectOperator(":");
        var stop = ParseBound();
        var step = tokens.SkipOperator(":") ? ParseBound() : NoBound;
        return new SliceLiteral(start, stop, step);
    }

    private Expression ParseBound() => tokens.IsOperator(":") || tokens.IsOperator("]") || tokens.IsOperator(",") ? NoBound : Parse();

    private bool IsTupleEnd() => tokens.Current.Kind is TokenKind.PrintEnd or TokenKind.BlockEnd || tokens.IsOperator(")");
}
