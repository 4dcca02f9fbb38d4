using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Nodes;

/// <summary>a in b if c: what a loop goes through.</summary>
/// <param name="Target">What each item is assigned to.</param>
/// <param name="Iterable">Where they come from.</param>
/// <param name="Condition">Which of them are taken; null for all.</param>
internal sealed record ForItems(Target Target, Expression Iterable, Expression? Condition)
{
    /// <summary>The items of a value that meet the condition.</summary>
    public IEnumerable<object> Of(Scope scope, object source)
    {
        var items = Iteration.Of(scope.Rendering, source);
        return Condition is null ? items : Chosen(scope, items, Condition);
    }

    private IEnumerable<object> Chosen(Scope scope, IEnumerable<object> items, Expression test)
    {
        foreach (var item in items)
        {
            scope.Rendering.Step();
            var inner = new Scope(scope);
            Target.Assign(inner, item);
            if (Truth.Of(test.Evaluate(inner))) yield return item;
        }
    }
}
