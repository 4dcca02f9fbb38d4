using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Nodes;

/// <summary>{% for a in b if c %} and its {% else %}.</summary>
internal sealed class For(int line, ForItems items, bool isRecursive, Statement body, Statement? otherwise) : Statement
{
    /// <summary>The name under which its body sees the loop.</summary>
    public const string Loop = "loop";

    public override Flow Execute(Scope scope)
    {
        scope.Rendering.Line = line;
        scope.Rendering.Step();
        return Run(scope, items.Iterable.Evaluate(scope), depth: 0);
    }

    // As in Jinja, else runs if no iteration reached the end of the body; continue and break do not count as reaching it.
    private Flow Run(Scope scope, object source, int depth)
    {
        Func<object, int, string>? recurse = isRecursive ? (inner, level) => Recurse(scope, inner, level) : null;
        var loop = new LoopValue(source, items.Of(scope, source), items.Condition is not null, depth, recurse);
        var isCompleted = false;
        while (loop.MoveNext())
        {
            scope.Rendering.Step();
            var inner = new Scope(scope);
            inner.Set(Loop, loop);
            items.Target.Assign(inner, loop.Current);
            var flow = body.Execute(inner);
            if (flow == Flow.Break) break;
            isCompleted |= flow == Flow.Next;
        }

        return isCompleted || otherwise is null ? Flow.Next : otherwise.Execute(new Scope(scope));
    }

    private string Recurse(Scope scope, object source, int depth)
    {
        var rendering = scope.Rendering;
        rendering.EnterCall();
        var outer = rendering.BeginCapture();
        Run(scope, source, depth);
        var text = rendering.EndCapture(outer);
        rendering.LeaveCall();
        return text;
    }
}
