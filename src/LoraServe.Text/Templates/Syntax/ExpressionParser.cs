using LoraServe.Text.Templates.Nodes;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>Parses expressions with Jinja's operator precedence.</summary>
internal sealed class ExpressionParser
{
    private readonly TokenStream _tokens;
    private readonly OperandParser _operands;
    private readonly CallParser _calls;
    private readonly List<InvalidChatTemplateException> _unknown = [];

    public ExpressionParser(TokenStream tokens)
    {
        _tokens = tokens;
        _calls = new CallParser(tokens, this);
        _operands = new OperandParser(tokens, this, _calls);
    }

    /// <summary>The variables special to macros (caller, varargs, kwargs) that were read since the set was last replaced.</summary>
    public HashSet<string> MacroNamesRead { get; set; } = [];

    /// <summary>
    /// Whether the parsed code may never run, so that, as in Jinja, an unknown filter in it is a fault only when it runs.
    /// </summary>
    public bool IsConditional { get; set; }

    /// <summary>An expression, or several separated by commas, which form a tuple.</summary>
    /// <param name="allowConditional">Whether the form a if b is allowed.</param>
    /// <param name="allowEmpty">Whether an empty tuple without parentheses is allowed.</param>
    public Expression ParseTuple(bool allowConditional = true, bool allowEmpty = false)
    {
        var items = new List<Expression>();
        var isTuple = false;
        while (!IsTupleEnd())
        {
            items.Add(allowConditional ? Parse() : _tokens.Within(ParseOr));
            if (!_tokens.SkipOperator(",")) break;
            isTuple = true;
        }

        if (isTuple) return new TupleLiteral(items);
        if (items.Count == 1) return items[0];
        return allowEmpty ? new TupleLiteral(items) : throw _tokens.Unexpected("an expression");
    }

    /// <summary>One expression.</summary>
    public Expression Parse() => _tokens.Within(ParseConditional);

    /// <summary>A name, a literal or a bracketed expression, with the attributes, subscripts and calls that follow.</summary>
    public Expression ParseOperand() => _operands.ParsePostfix(_operands.Parse());

    /// <inheritdoc cref="CallParser.ParseFilters"/>
    public Expression? ParseFilters(Expression? operand, bool isInline = false) => _calls.ParseFilters(operand, isInline);

    /// <summary>Records that a variable is read.</summary>
    public void NoteRead(string name)
    {
        if (name is Macro.Caller or Macro.Rest or Macro.NamedRest) MacroNamesRead.Add(name);
    }

    /// <summary>Records an unknown filter or test.</summary>
    public void NoteUnknown(string fault)
    {
        if (!IsConditional) _unknown.Add(_tokens.Fault(fault));
    }

    /// <summary>Throws for unknown filters and tests, except in code that may never run.</summary>
    public void CheckKnown()
    {
        if (_unknown.Count > 0) throw _unknown[0];
    }

    /// <summary>Whether a variable of this name can be assigned.</summary>
    public static bool IsAssignable(string name) => name is not ("true" or "false" or "none" or "True" or "False" or "None");

    private Expression ParseConditional()
    {
        var unknown = _unknown.Count;
        var expression = ParseOr();
        for (var links = 0; _tokens.SkipName("if"); _tokens.AddLink(ref links))
        {
            // The expression before the condition may never run either.
            _unknown.RemoveRange(unknown, _unknown.Count - unknown);
            var wasConditional = IsConditional;
            IsConditional = true;
            var condition = ParseOr();
            var otherwise = _tokens.SkipName("else") ? _tokens.Within(ParseConditional) : null;
            expression = new Conditional(condition, expression, otherwise);
            IsConditional = wasConditional;
        }

        return expression;
    }

    private Expression ParseOr()
    {
        var left = ParseAnd();
        for (var links = 0; _tokens.SkipName("or"); _tokens.AddLink(ref links)) left = new Or(left, ParseAnd());
        return left;
    }

    private Expression ParseAnd()
    {
        var left = ParseNot();
        for (var links = 0; _tokens.SkipName("and"); _tokens.AddLink(ref links)) left = new And(left, ParseNot());
        return left;
    }

    private Expression ParseNot() => _tokens.SkipName("not") ? new Not(_tokens.Within(ParseNot)) : ParseComparison();

    private Expression ParseComparison()
    {
        var first = ParseSum();
        var rest = new List<(Func<Rendering, object, object, bool>, Expression)>();
        while (TakeComparison() is { } comparison) rest.Add((comparison, ParseSum()));
        return rest.Count == 0 ? first : new Comparison(first, rest);
    }

    private Func<Rendering, object, object, bool>? TakeComparison()
    {
        if (_tokens.SkipName("in")) return Membership.Contains;
        if (_tokens.IsName("not") && _tokens.Following.Is(TokenKind.Name, "in"))
        {
            _tokens.Take();
            _tokens.Take();
            return static (rendering, item, container) => !Membership.Contains(rendering, item, container);
        }

        if (!_tokens.Is(TokenKind.Operator)) return null;
        Func<Rendering, object, object, bool>? comparison = _tokens.Current.Text switch
        {
            "==" => Equality.Of,
            "!=" => static (rendering, left, right) => !Equality.Of(rendering, left, right),
            "<" => Ordering.IsLess,
            ">" => Ordering.IsGreater,
            "<=" => Ordering.IsLessOrEqual,
            ">=" => Ordering.IsGreaterOrEqual,
            _ => null,
        };
        if (comparison is not null) _tokens.Take();
        return comparison;
    }

    private Expression ParseSum()
    {
        var left = ParseConcatenation();
        for (var links = 0; ; _tokens.AddLink(ref links))
        {
            if (_tokens.SkipOperator("+")) left = new Binary(Arithmetic.Add, left, ParseConcatenation());
            else if (_tokens.SkipOperator("-")) left = new Binary(Arithmetic.Subtract, left, ParseConcatenation());
            else return left;
        }
    }

    private Expression ParseConcatenation()
    {
        var first = ParseProduct();
        if (!_tokens.IsOperator("~")) return first;
        var parts = new List<Expression> { first };
        while (_tokens.SkipOperator("~")) parts.Add(ParseProduct());
        return new Concatenation(parts);
    }

    private Expression ParseProduct()
    {
        var left = ParsePower();
        for (var links = 0; ; _tokens.AddLink(ref links))
        {
            if (_tokens.SkipOperator("*")) left = new Binary(Arithmetic.Multiply, left, ParsePower());
            else if (_tokens.SkipOperator("/")) left = new Binary(Arithmetic.Divide, left, ParsePower());
            else if (_tokens.SkipOperator("//")) left = new Binary(Arithmetic.FloorDivide, left, ParsePower());
            else if (_tokens.SkipOperator("%")) left = new Binary(Arithmetic.Modulo, left, ParsePower());
            else return left;
        }
    }

    // Left-associative, unlike in Python.
    private Expression ParsePower()
    {
        var left = ParseUnary(withFilters: true);
        for (var links = 0; _tokens.SkipOperator("**"); _tokens.AddLink(ref links))
            left = new Binary(Arithmetic.Power, left, ParseUnary(withFilters: true));
        return left;
    }

    private Expression ParseUnary(bool withFilters)
    {
        Expression expression;
        if (_tokens.SkipOperator("-")) expression = new Unary(Arithmetic.Negate, _tokens.Within(() => ParseUnary(withFilters: false)));
        else if (_tokens.SkipOperator("+")) expression = new Unary(Arithmetic.Plus, _tokens.Within(() => ParseUnary(withFilters: false)));
        else expression = _operands.Parse();
        expression = _operands.ParsePostfix(expression);
        return withFilters ? _calls.ParseFiltersAndTests(expression) : expression;
    }

    private bool IsTupleEnd() => _tokens.Current.Kind is TokenKind.PrintEnd or TokenKind.BlockEnd || _tokens.IsOperator(")");
}
