using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Nodes;

/// <summary>a in b if c: the items of a loop.</summary>
/// <param name="Target">The target assigned for each item.</param>
/// <param name="Iterable">The iterated value.</param>
/// <param name="Condition">Selects items; null for all.</param>
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
