using LoraServe.Text.Templates.Library;
using LoraServe.Text.Templates.Nodes;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Syntax;

/// <content>Filters, tests, and the arguments of calls.</content>
internal sealed partial class ExpressionParser
{
    /// <summary>The filters that follow: | a | b(c).</summary>
    /// <param name="operand">What they are applied to, null for the body of a block.</param>
    /// <param name="isInline">Whether the first comes without a bar.</param>
    public Expression? ParseFilters(Expression? operand, bool isInline = false)
    {
        for (var links = 0; isInline || tokens.SkipOperator("|"); isInline = false)
        {
            AddLink(ref links);
            operand = ParseFilter(operand);
        }

        return operand;
    }

    /// <summary>Refuses filters and tests that do not exist and may run.</summary>
    public void CheckKnown()
    {
        if (_unknown.Count > 0) throw _unknown[0];
    }

    private Expression ParseFiltersAndTests(Expression expression)
    {
        for (var links = 0; ; AddLink(ref links))
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
            arguments = arguments with { Positional = [ParseNested(() => ParsePostfix(ParsePrimary()))] };
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

    private CallArguments ParseArguments()
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
            if (rest is null && tokens.SkipOperator("*")) rest = Parse();
            else if (tokens.SkipOperator("**")) namedRest = Parse();
            else if (tokens.Is(TokenKind.Name) && tokens.Following.Is(TokenKind.Operator, "="))
            {
                var name = tokens.TakeName();
                tokens.Take();
                if (!names.Add(name)) throw tokens.Fault($"argument '{name}' is given twice");
                named.Add((name, Parse()));
            }
            else if (rest is null && named.Count == 0) positional.Add(Parse());
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
        if (!IsConditional) _unknown.Add(tokens.Fault(fault));
        return (_, _, _) => throw new ChatTemplateException(fault);
    }
}
