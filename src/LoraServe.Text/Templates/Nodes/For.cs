using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Nodes;

/// <summary>{% for a in b if c %} and its {% else %}.</summary>
internal sealed class For(
    int line, Target target, Expression iterable, Expression? condition, bool isRecursive, Statement body, Statement? otherwise) : Statement
{
    /// <summary>The name under which its body sees the loop.</summary>
    public const string Loop = "loop";

    public override Flow Execute(Scope scope)
    {
        scope.Rendering.Line = line;
        scope.Rendering.Step();
        return Run(scope, iterable.Evaluate(scope), depth: 0);
    }

    // As in Jinja, else runs if no iteration came to the end of the body: continue and break do not.
    private Flow Run(Scope scope, object source, int depth)
    {
        var items = Iteration.Of(scope.Rendering, source);
        if (condition is not null) items = Chosen(scope, items, condition);
        Func<object, int, string>? recurse = isRecursive ? (inner, level) => Recurse(scope, inner, level) : null;
        var loop = new LoopValue(source, items, condition is not null, depth, recurse);
        var isCompleted = false;
        while (loop.MoveNext())
        {
            scope.Rendering.Step();
            var inner = new Scope(scope);
            inner.Set(Loop, loop);
            target.Assign(inner, loop.Current);
            var flow = body.Execute(inner);
            if (flow == Flow.Break) break;
            isCompleted |= flow == Flow.Next;
        }

        return isCompleted || otherwise is null ? Flow.Next : otherwise.Execute(new Scope(scope));
    }

    private IEnumerable<object> Chosen(Scope scope, IEnumerable<object> items, Expression test)
    {
        foreach (var item in items)
        {
            scope.Rendering.Step();
            var inner = new Scope(scope);
            target.Assign(inner, item);
            if (Truth.Of(test.Evaluate(inner))) yield return item;
        }
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
