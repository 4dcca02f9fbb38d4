using LoraServe.Text.Templates.Nodes;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>Reads expressions with the precedence of Jinja's operators.</summary>
internal sealed partial class ExpressionParser(TokenStream tokens)
{
    private static readonly Constant NoBound = new(None.Value);

    private readonly List<InvalidChatTemplateException> _unknown = [];

    /// <summary>Which of the variables that only macros have were read since somebody emptied it.</summary>
    public HashSet<string> MacroNamesRead { get; set; } = [];

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
        for (var links = 0; tokens.SkipName("if"); AddLink(ref links))
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
        for (var links = 0; tokens.SkipName("or"); AddLink(ref links)) left = new Or(left, ParseAnd());
        return left;
    }

    private Expression ParseAnd()
    {
        var left = ParseNot();
        for (var links = 0; tokens.SkipName("and"); AddLink(ref links)) left = new And(left, ParseNot());
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
        for (var links = 0; ; AddLink(ref links))
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
        for (var links = 0; ; AddLink(ref links))
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
        for (var links = 0; tokens.SkipOperator("**"); AddLink(ref links))
            left = new Binary(Arithmetic.Power, left, ParseUnary(withFilters: true));
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

    // A chain is as deep in the tree of nodes as it is long.
    private void AddLink(ref int links)
    {
        if (++links > RenderLimits.ChainLength)
            throw tokens.Fault($"at most {RenderLimits.ChainLength} operators or filters may follow one another in an expression");
    }

    private bool IsTupleEnd() => tokens.Current.Kind is TokenKind.PrintEnd or TokenKind.BlockEnd || tokens.IsOperator(")");
}
