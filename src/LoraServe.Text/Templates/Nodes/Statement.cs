using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Nodes;

/// <summary>Control flow after a statement.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>A statement of a template. Immutable.</summary>
internal abstract class Statement
{
    public abstract Flow Execute(Scope scope);
}

/// <summary>A sequence of statements.</summary>
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

/// <summary>Literal text.</summary>
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

/// <summary>{% with a = b %}: variables scoped to its body.</summary>
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

/// <summary>{% generation %}: marks the assistant's text; matters only for training.</summary>
internal sealed class GenerationBlock(Statement body) : Statement
{
    public override Flow Execute(Scope scope) => body.Execute(new Scope(scope));
}

/// <summary>A tag that loads another template; always fails, since there is none.</summary>
internal sealed class Unavailable(int line, string tag) : Statement
{
    public override Flow Execute(Scope scope)
    {
        scope.Rendering.Line = line;
        throw new ChatTemplateException($"'{tag}' is not available: a chat template cannot load other templates");
    }
}
