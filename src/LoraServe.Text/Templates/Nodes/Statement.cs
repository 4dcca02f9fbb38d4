using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Nodes;

/// <summary>What follows a statement.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>A part of a template that writes or sets something. Immutable.</summary>
internal abstract class Statement
{
    public abstract Flow Execute(Scope scope);
}

/// <summary>Statements one after the other.</summary>
internal sealed class Block(IReadOnlyList<Statement> statements) : Statement
{
    public override Flow Execute(Scope scope)
    {
        scope.Rendering.Step();
        foreach (var statement in statements)
        {
            var flow = statement.Execute(scope);
            if (flow != Flow.Next) return flow;
        }

        return Flow.Next;
    }
}

/// <summary>Text as in the source.</summary>
internal sealed class Data(string text) : Statement
{
    public override Flow Execute(Scope scope)
    {
        scope.Rendering.Output.Append(text);
        return Flow.Next;
    }
}

/// <summary>{{ a }}</summary>
internal sealed class Print(int line, Expression expression) : Statement
{
    public override Flow Execute(Scope scope)
    {
        scope.Rendering.Line = line;
        scope.Rendering.Output.Append(ValueText.Of(scope.Rendering, expression.Evaluate(scope)));
        return Flow.Next;
    }
}

/// <summary>{% if %}, its {% elif %} and its {% else %}.</summary>
internal sealed class If(IReadOnlyList<(int Line, Expression Condition, Statement Body)> branches, Statement? otherwise) : Statement
{
    public override Flow Execute(Scope scope)
    {
        foreach (var (line, condition, body) in branches)
        {
            scope.Rendering.Step();
            scope.Rendering.Line = line;
            if (Truth.Of(condition.Evaluate(scope))) return body.Execute(scope);
        }

        return otherwise?.Execute(scope) ?? Flow.Next;
    }
}

/// <summary>{% break %} and {% continue %}</summary>
internal sealed class LoopControl(Flow flow) : Statement
{
    public override Flow Execute(Scope scope)
    {
        scope.Rendering.Step();
        return flow;
    }
}

/// <summary>{% with a = b %}: variables for its body alone.</summary>
internal sealed class With(int line, IReadOnlyList<(Target Target, Expression Value)> variables, Statement body) : Statement
{
    public override Flow Execute(Scope scope)
    {
        scope.Rendering.Line = line;
        var inner = new Scope(scope);
        scope.Rendering.Steps(variables.Count);
        foreach (var (target, value) in variables) target.Assign(inner, value.Evaluate(scope));
        return body.Execute(inner);
    }
}

/// <summary>{% generation %}: what the assistant says, which matters only to training.</summary>
internal sealed class GenerationBlock(Statement body) : Statement
{
    public override Flow Execute(Scope scope) => body.Execute(new Scope(scope));
}

/// <summary>A tag that loads another template: there is none.</summary>
internal sealed class Unavailable(int line, string tag) : Statement
{
    public override Flow Execute(Scope scope)
    {
        scope.Rendering.Line = line;
        throw new ChatTemplateException($"'{tag}' is not available: a chat template cannot load other templates");
    }
}
