using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Nodes;

/// <summary>The target of an assignment.</summary>
internal abstract class Target
{
    public abstract void Assign(Scope scope, object value);
}

/// <summary>A variable.</summary>
internal sealed class NameTarget(string name) : Target
{
    public string Name => name;

    public override void Assign(Scope scope, object value) => scope.Set(name, value);
}

/// <summary>An attribute of a namespace.</summary>
internal sealed class NamespaceTarget(string name, string attribute) : Target
{
    public override void Assign(Scope scope, object value)
    {
        if (scope.Find(name) is not NamespaceValue target)
            throw new ChatTemplateException($"cannot assign attribute '{attribute}': '{name}' is not a namespace");
        scope.Rendering.Make(64);
        target.Attributes.Set(attribute, value);
    }
}

/// <summary>Several targets, which unpack a value of as many items.</summary>
internal sealed class TupleTarget(IReadOnlyList<Target> targets) : Target
{
    public override void Assign(Scope scope, object value)
    {
        scope.Rendering.Steps(targets.Count + 1L);
        var items = new List<object>(targets.Count);
        foreach (var item in Iteration.Of(scope.Rendering, value))
        {
            if (items.Count == targets.Count) throw new ChatTemplateException($"too many values to unpack (expected {targets.Count})");
            items.Add(item);
        }

        if (items.Count < targets.Count)
            throw new ChatTemplateException($"not enough values to unpack (expected {targets.Count}, got {items.Count})");
        for (var i = 0; i < targets.Count; i++) targets[i].Assign(scope, items[i]);
    }
}

/// <summary>{% set a = b %}</summary>
internal sealed class Set(int line, Target target, Expression value) : Statement
{
    public override Flow Execute(Scope scope)
    {
        scope.Rendering.Line = line;
        scope.Rendering.Step();
        target.Assign(scope, value.Evaluate(scope));
        return Flow.Next;
    }
}

/// <summary>{% set a %}b{% endset %}</summary>
internal sealed class SetBlock(int line, Target target, FilterCall? filter, Statement body) : Statement
{
    public override Flow Execute(Scope scope)
    {
        var rendering = scope.Rendering;
        rendering.Line = line;
        var inner = new Scope(scope);
        var outer = rendering.BeginCapture();
        var flow = body.Execute(inner);
        var text = rendering.EndCapture(outer);
        if (flow == Flow.Next) target.Assign(scope, filter?.EvaluateBlock(inner, text) ?? text);
        return flow;
    }
}

/// <summary>{% filter a %}b{% endfilter %}</summary>
internal sealed class FilterBlock(int line, FilterCall filter, Statement body) : Statement
{
    public override Flow Execute(Scope scope)
    {
        var rendering = scope.Rendering;
        rendering.Line = line;
        var inner = new Scope(scope);
        var outer = rendering.BeginCapture();
        var flow = body.Execute(inner);
        var text = rendering.EndCapture(outer);
        if (flow == Flow.Next) rendering.Output.Append(ValueText.Of(rendering, filter.EvaluateBlock(inner, text)));
        return flow;
    }
}
