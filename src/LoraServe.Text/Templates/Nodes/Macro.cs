using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Nodes;

/// <summary>{% macro a(b, c=d) %}, or the body of a {% call %}.</summary>
/// <param name="Name">Its name in error messages.</param>
/// <param name="Parameters">In order; the last may have defaults.</param>
/// <param name="Body">The statements that a call runs.</param>
internal sealed record Macro(string Name, IReadOnlyList<MacroParameter> Parameters, Statement Body)
{
    /// <summary>Variable of the body of a call block.</summary>
    public const string Caller = "caller";

    /// <summary>Variable of further positional arguments.</summary>
    public const string Rest = "varargs";

    /// <summary>Variable of further named arguments.</summary>
    public const string NamedRest = "kwargs";

    /// <summary>Whether the body reads the variable; only then can a call pass it.</summary>
    public bool UsesCaller { get; init; }

    /// <inheritdoc cref="UsesCaller"/>
    public bool UsesRest { get; init; }

    /// <inheritdoc cref="UsesCaller"/>
    public bool UsesNamedRest { get; init; }
}

/// <summary>A parameter and its default.</summary>
internal sealed record MacroParameter(string Name, Expression? Default);

/// <summary>{% macro %}</summary>
internal sealed class MacroDefinition(int line, string name, Macro macro) : Statement
{
    public override Flow Execute(Scope scope)
    {
        scope.Rendering.Line = line;
        scope.Rendering.Step();
        scope.Set(name, new MacroValue(macro, scope));
        return Flow.Next;
    }
}

/// <summary>{% call a() %}b{% endcall %}</summary>
internal sealed class CallBlock(int line, Call call, Macro body) : Statement
{
    public override Flow Execute(Scope scope)
    {
        var rendering = scope.Rendering;
        rendering.Line = line;
        rendering.Output.Append(ValueText.Of(rendering, call.Evaluate(scope, new MacroValue(body, scope))));
        return Flow.Next;
    }
}
