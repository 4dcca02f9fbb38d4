using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Nodes;

/// <summary>The arguments of a call; the last two are the values after * and **.</summary>
internal sealed record CallArguments(
    IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? Rest, Expression? NamedRest)
{
    public static CallArguments None { get; } = new([], [], null, null);

    public Arguments Evaluate(Scope scope)
    {
        if (Positional.Count + Named.Count == 0 && Rest is null && NamedRest is null) return Arguments.Empty;
        var positional = ListLiteral.Values(Positional, scope);
        if (Rest is not null) positional = [.. positional, .. Iteration.ToList(scope.Rendering, Rest.Evaluate(scope))];
        var named = new List<KeyValuePair<string, object>>(Named.Count);
        scope.Rendering.MakeItems(2L * Named.Count);
        foreach (var (name, value) in Named) named.Add(new(name, value.Evaluate(scope)));
        if (NamedRest is not null) Add(scope.Rendering, named, NamedRest.Evaluate(scope));
        return new Arguments(positional, named);
    }

    private static void Add(Rendering rendering, List<KeyValuePair<string, object>> named, object rest)
    {
        if (rest is not DictValue dict) throw new ChatTemplateException($"argument after ** must be a mapping, not {TypeName.Of(rest)}");
        rendering.MakeItems(dict.Count);
        rendering.Steps((long)dict.Count + named.Count);
        var names = named.Select(argument => argument.Key).ToHashSet();
        foreach (var (key, value) in dict.Items)
        {
            if (key is not string name) throw new ChatTemplateException("keywords must be strings");
            if (!names.Add(name)) throw new ChatTemplateException($"got multiple values for keyword argument '{name}'");
            named.Add(new(name, value));
        }
    }
}

/// <summary>f(a, b=c)</summary>
internal sealed class Call(int line, Expression callee, CallArguments arguments) : Expression
{
    public override object Evaluate(Scope scope) => Evaluate(scope, caller: null);

    /// <summary>Evaluates the call with the body of a call block as an additional argument.</summary>
    public object Evaluate(Scope scope, MacroValue? caller)
    {
        scope.Rendering.Step();
        var function = callee.Evaluate(scope);
        var given = arguments.Evaluate(scope);
        if (caller is not null) given = With(scope.Rendering, given, caller);
        scope.Rendering.Line = line;
        return function switch
        {
            CallableValue callable => callable.Call(scope.Rendering, given),
            Undefined undefined => throw undefined.Exception(),
            _ => throw new ChatTemplateException($"'{TypeName.Of(function)}' object is not callable"),
        };
    }

    private static Arguments With(Rendering rendering, Arguments arguments, MacroValue caller)
    {
        rendering.Steps(2L * arguments.Named.Count);
        if (arguments.Find(Macro.Caller) is not null)
            throw new ChatTemplateException($"got multiple values for keyword argument '{Macro.Caller}'");
        return arguments with { Named = [.. arguments.Named, new(Macro.Caller, caller)] };
    }
}

/// <summary>a | f(b)</summary>
/// <param name="line">The source line.</param>
/// <param name="filter">The filter.</param>
/// <param name="operand">The filtered value, or null for the body of a block.</param>
/// <param name="arguments">The arguments after the value.</param>
internal sealed class FilterCall(
    int line, Func<Rendering, object, Arguments, object> filter, Expression? operand, CallArguments arguments) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        return Apply(scope, operand!.Evaluate(scope));
    }

    /// <summary>Applies the chain of filters up to this one to the text of a block.</summary>
    public object EvaluateBlock(Scope scope, string text)
    {
        scope.Rendering.Step();
        return Apply(scope, operand is FilterCall inner ? inner.EvaluateBlock(scope, text) : text);
    }

    private object Apply(Scope scope, object value)
    {
        var given = arguments.Evaluate(scope);
        scope.Rendering.Line = line;
        return filter(scope.Rendering, value, given);
    }
}

/// <summary>a is f(b)</summary>
internal sealed class TestCall(
    int line, Func<Rendering, object, Arguments, bool> test, Expression operand, CallArguments arguments) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        var value = operand.Evaluate(scope);
        var given = arguments.Evaluate(scope);
        scope.Rendering.Line = line;
        return Flag.Of(test(scope.Rendering, value, given));
    }
}
