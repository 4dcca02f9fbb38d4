using LoraServe.Text.Templates.Nodes;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>Parses the statements of a template.</summary>
internal sealed class TemplateParser
{
    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;

    private readonly TargetParser _targets;
    private readonly MacroParser _macros;

    // Enclosing loops, not counting those outside the current macro: break and continue need one.
    private int _loops;

    private TemplateParser(TokenStream tokens)
    {
        (_tokens, _expressions) = (tokens, new ExpressionParser(tokens));
        _targets = new TargetParser(tokens, _expressions);
        _macros = new MacroParser(tokens, _expressions, _targets, this);
    }

    /// <exception cref="InvalidChatTemplateException">The source has a syntax error.</exception>
    public static Statement Parse(string source)
    {
        var parser = new TemplateParser(new TokenStream(TemplateLexer.Read(source)));
        var template = parser.ParseBlock(opener: null, []);
        parser._expressions.CheckKnown();
        return template;
    }

    /// <summary>Parses a body that runs as a function, up to its end tag: break and continue in it cannot reach enclosing loops.</summary>
    /// <param name="opener">The opening tag.</param>
    /// <param name="end">The end tag.</param>
    public Statement ParseFunction(string opener, string end)
    {
        var loops = _loops;
        _loops = 0;
        var body = Unconditionally(() => ParseBody(opener, end));
        _loops = loops;
        _tokens.Take();
        return body;
    }

    // Statements until one of the tags, which becomes the current token.
    private Block ParseBlock(string? opener, ReadOnlySpan<string> ends)
    {
        _tokens.Enter();
        var statements = new List<Statement>();
        while (!_tokens.Is(TokenKind.End))
        {
            var token = _tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    statements.Add(new Data(token.Text));
                    break;
                case TokenKind.PrintBegin:
                    statements.Add(new Print(token.Line, _expressions.ParseTuple()));
                    _tokens.Expect(TokenKind.PrintEnd);
                    break;
                default:
                    if (_tokens.Is(TokenKind.Name) && ends.Contains(_tokens.Current.Text))
                    {
                        _tokens.Leave();
                        return new Block(statements);
                    }

                    statements.AddRange(ParseStatement(opener, ends));
                    _tokens.Expect(TokenKind.BlockEnd);
                    break;
            }
        }

        if (opener is not null) throw _tokens.Fault($"'{opener}' has no end: expected {Tags(ends)}");
        _tokens.Leave();
        return new Block(statements);
    }

    private List<Statement> ParseStatement(string? opener, ReadOnlySpan<string> ends)
    {
        var line = _tokens.Current.Line;
        var tag = _tokens.TakeName();
        return tag switch
        {
            "print" => ParsePrint(line),
            "for" => [ParseFor(line)],
            "if" => [ParseIf(line)],
            "set" => [ParseSet(line)],
            "macro" => [_macros.ParseMacro(line)],
            "call" => [_macros.ParseCall(line)],
            "filter" => [ParseFilter(line)],
            "with" => [ParseWith(line)],
            "generation" => [new GenerationBlock(ParseFunction(tag, "endgeneration"))],
            "break" => [ParseLoopControl(tag, Flow.Break)],
            "continue" => [ParseLoopControl(tag, Flow.Continue)],
            "include" or "import" or "from" or "extends" => [ParseUnavailable(line, tag)],
            "block" or "autoescape" => throw new InvalidChatTemplateException(line, $"the tag '{tag}' is not supported in chat templates"),
            _ when opener is null => throw new InvalidChatTemplateException(line, $"unknown tag '{tag}'"),
            _ => throw new InvalidChatTemplateException(line, $"unknown tag '{tag}': '{opener}' is open, which ends with {Tags(ends)}"),
        };
    }

    private List<Statement> ParsePrint(int line)
    {
        var prints = new List<Statement>();
        while (!_tokens.Is(TokenKind.BlockEnd))
        {
            if (prints.Count > 0) _tokens.ExpectOperator(",");
            prints.Add(new Print(line, _expressions.Parse()));
        }

        return prints;
    }

    private For ParseFor(int line)
    {
        _targets.Loops++;
        var target = _targets.Parse(allowNamespace: false);
        _tokens.ExpectName("in");
        var iterable = _expressions.ParseTuple(allowConditional: false);
        var condition = _tokens.SkipName("if") ? _expressions.Parse() : null;
        var isRecursive = _tokens.SkipName("recursive");
        _loops++;
        var body = Unconditionally(() => ParseBody("for", "endfor", "else"));
        _loops--;
        Statement? otherwise = null;
        if (_tokens.TakeName() == "else")
        {
            // The else of a recursive loop is in the function that its body is.
            var loops = _loops;
            if (isRecursive) _loops = 0;
            otherwise = Unconditionally(() => ParseBody("for", "endfor"));
            _loops = loops;
            _tokens.Take();
        }

        _targets.Loops--;
        return new For(line, new ForItems(target, iterable, condition), isRecursive, body, otherwise);
    }

    private If ParseIf(int line)
    {
        var wasConditional = _expressions.IsConditional;
        _expressions.IsConditional = true;
        var branches = new List<(int, Expression, Statement)>();
        Statement? otherwise = null;
        string tag;
        do
        {
            var condition = _expressions.ParseTuple(allowConditional: false);
            branches.Add((line, condition, ParseBody("if", "elif", "else", "endif")));
            line = _tokens.Current.Line;
            tag = _tokens.TakeName();
        }
        while (tag == "elif");

        if (tag == "else")
        {
            otherwise = ParseBody("if", "endif");
            _tokens.Take();
        }

        _expressions.IsConditional = wasConditional;
        return new If(branches, otherwise);
    }

    private Statement ParseSet(int line)
    {
        var target = _targets.Parse(allowNamespace: true);
        if (_tokens.SkipOperator("=")) return new Set(line, target, _expressions.ParseTuple());
        var filter = (FilterCall?)_expressions.ParseFilters(null);
        var body = Unconditionally(() => ParseBody("set", "endset"));
        _tokens.Take();
        return new SetBlock(line, target, filter, body);
    }

    private FilterBlock ParseFilter(int line)
    {
        var filter = (FilterCall)_expressions.ParseFilters(null, isInline: true)!;
        var body = Unconditionally(() => ParseBody("filter", "endfilter"));
        _tokens.Take();
        return new FilterBlock(line, filter, body);
    }

    private With ParseWith(int line)
    {
        var variables = new List<(Target, Expression)>();
        while (!_tokens.Is(TokenKind.BlockEnd))
        {
            if (variables.Count > 0) _tokens.ExpectOperator(",");
            var target = _targets.Parse(allowNamespace: false);
            _tokens.ExpectOperator("=");
            variables.Add((target, _expressions.Parse()));
        }

        var body = Unconditionally(() => ParseBody("with", "endwith"));
        _tokens.Take();
        return new With(line, variables, body);
    }

    private LoopControl ParseLoopControl(string tag, Flow flow) =>
        _loops > 0 ? new LoopControl(flow) : throw _tokens.Fault($"'{tag}' outside of a loop");

    private Unavailable ParseUnavailable(int line, string tag)
    {
        while (!_tokens.Is(TokenKind.BlockEnd) && !_tokens.Is(TokenKind.End)) _tokens.Take();
        return new Unavailable(line, tag);
    }

    private Block ParseBody(string opener, params ReadOnlySpan<string> ends)
    {
        _tokens.SkipOperator(":");
        _tokens.Expect(TokenKind.BlockEnd);
        return ParseBlock(opener, ends);
    }

    // In Jinja only what stands directly in the branch of an if may never run.
    private T Unconditionally<T>(Func<T> parse)
    {
        var wasConditional = _expressions.IsConditional;
        _expressions.IsConditional = false;
        var parsed = parse();
        _expressions.IsConditional = wasConditional;
        return parsed;
    }

    private static string Tags(ReadOnlySpan<string> ends) => string.Join(" or ", ends.ToArray().Select(end => $"'{end}'"));
}
