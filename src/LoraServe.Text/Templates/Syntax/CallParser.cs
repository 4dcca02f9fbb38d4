using LoraServe.Text.Templates.Library;
using LoraServe.Text.Templates.Nodes;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>Parses filters, tests, and the arguments of calls.</summary>
/// <param name="tokens">The source tokens.</param>
/// <param name="expressions">Parses nested expressions.</param>
internal sealed class CallParser(TokenStream tokens, ExpressionParser expressions)
{
    /// <summary>The filters that follow: | a | b(c).</summary>
    /// <param name="operand">The filtered value, null for the body of a block.</param>
    /// <param name="isInline">Whether the first comes without a bar.</param>
    public Expression? ParseFilters(Expression? operand, bool isInline = false)
    {
        for (var links = 0; isInline || tokens.SkipOperator("|"); isInline = false)
        {
            tokens.AddLink(ref links);
            operand = ParseFilter(operand);
        }

        return operand;
    }

    /// <summary>The filters, tests and calls that follow an expression.</summary>
    public Expression ParseFiltersAndTests(Expression expression)
    {
        for (var links = 0; ; tokens.AddLink(ref links))
        {
            if (tokens.SkipOperator("|")) expression = ParseFilter(expression);
            else if (tokens.SkipName("is")) expression = ParseTest(expression);
            else if (tokens.IsOperator("(")) expression = new Call(tokens.Current.Line, expression, ParseArguments());
            else return expression;
        }
    }

    private FilterCall ParseFilter(Expression? operand)
    {
        var line = tokens.Current.Line;
        var name = DottedName();
        var arguments = tokens.IsOperator("(") ? ParseArguments() : CallArguments.None;
        return new FilterCall(line, Filters.Find(name) ?? Unknown<object>("filter", name), operand, arguments);
    }

    private Expression ParseTest(Expression operand)
    {
        var line = tokens.Current.Line;
        var isNegated = tokens.SkipName("not");
        var name = DottedName();
        var arguments = CallArguments.None;
        if (tokens.IsOperator("(")) arguments = ParseArguments();
        else if (IsTestArgument())
        {
            if (tokens.IsName("is")) throw tokens.Fault("tests cannot be chained with 'is'");
            arguments = arguments with { Positional = [tokens.Within(expressions.ParseOperand)] };
        }

        var test = new TestCall(line, JinjaTests.Find(name) ?? Unknown<bool>("test", name), operand, arguments);
        return isNegated ? new Not(test) : test;
    }

    private bool IsTestArgument() => tokens.Current.Kind switch
    {
        TokenKind.Name => tokens.Current.Text is not ("else" or "or" or "and"),
        TokenKind.String or TokenKind.Number => true,
        TokenKind.Operator => tokens.Current.Text is "[" or "{",
        _ => false,
    };

    /// <summary>Arguments in parentheses.</summary>
    public CallArguments ParseArguments()
    {
        tokens.ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        Expression? rest = null;
        Expression? namedRest = null;
        while (!tokens.IsOperator(")"))
        {
            if (namedRest is not null) throw tokens.Fault("nothing can follow the argument after **");
            if (rest is null && tokens.SkipOperator("*")) rest = expressions.Parse();
            else if (tokens.SkipOperator("**")) namedRest = expressions.Parse();
            else if (tokens.Is(TokenKind.Name) && tokens.Following.Is(TokenKind.Operator, "="))
            {
                var name = tokens.TakeName();
                tokens.Take();
                if (!names.Add(name)) throw tokens.Fault($"argument '{name}' is given twice");
                named.Add((name, expressions.Parse()));
            }
            else if (rest is null && named.Count == 0) positional.Add(expressions.Parse());
            else throw tokens.Fault("an argument without a name cannot follow one with a name");

            if (!tokens.SkipOperator(",")) break;
        }

        tokens.ExpectOperator(")");
        return new CallArguments(positional, named, rest, namedRest);
    }

    private string DottedName()
    {
        var name = tokens.TakeName();
        while (tokens.SkipOperator("."))
        {
            name = $"{name}.{tokens.TakeName()}";
            if (name.Length > RenderLimits.NameLength) throw tokens.Fault($"a name may have at most {RenderLimits.NameLength} characters");
        }

        return name;
    }

    private Func<Rendering, object, Arguments, T> Unknown<T>(string kind, string name)
    {
        var fault = $"there is no {kind} named '{name}'";
        expressions.NoteUnknown(fault);
        return (_, _, _) => throw new ChatTemplateException(fault);
    }
}
