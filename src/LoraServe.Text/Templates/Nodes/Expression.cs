using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Nodes;

/// <summary>An expression of a template. Immutable.</summary>
internal abstract class Expression
{
    /// <summary>The value; never null.</summary>
    public abstract object Evaluate(Scope scope);
}

/// <summary>A literal value.</summary>
internal sealed class Constant(object value) : Expression
{
    public override object Evaluate(Scope scope) => value;
}

/// <summary>A variable, or a function of the environment.</summary>
internal sealed class Name(string name, object? global) : Expression
{
    private readonly Undefined _undefined = Undefined.Name(name);

    public string Value => name;

    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        return scope.Find(name) ?? global ?? _undefined;
    }
}

/// <summary>a.b</summary>
internal sealed class AttributeAccess(Expression owner, string name) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        return Attributes.Get(scope.Rendering, owner.Evaluate(scope), name);
    }
}

/// <summary>a[b]</summary>
internal sealed class Subscript(Expression owner, Expression key) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        return Attributes.GetItem(scope.Rendering, owner.Evaluate(scope), key.Evaluate(scope));
    }
}

/// <summary>The a:b:c of a slice.</summary>
internal sealed class SliceLiteral(Expression start, Expression stop, Expression step) : Expression
{
    public override object Evaluate(Scope scope) =>
        new SliceValue(start.Evaluate(scope), stop.Evaluate(scope), step.Evaluate(scope));
}

/// <summary>[a, b]</summary>
internal sealed class ListLiteral(IReadOnlyList<Expression> items) : Expression
{
    public override object Evaluate(Scope scope) => new ListValue(Values(items, scope));

    public static object[] Values(IReadOnlyList<Expression> items, Scope scope)
    {
        scope.Rendering.Step();
        scope.Rendering.MakeItems(items.Count);
        var values = new object[items.Count];
        for (var i = 0; i < values.Length; i++) values[i] = items[i].Evaluate(scope);
        return values;
    }
}

/// <summary>(a, b)</summary>
internal sealed class TupleLiteral(IReadOnlyList<Expression> items) : Expression
{
    public IReadOnlyList<Expression> Items => items;

    public override object Evaluate(Scope scope) => new TupleValue(ListLiteral.Values(items, scope));
}

/// <summary>{a: b}</summary>
internal sealed class DictLiteral(IReadOnlyList<(Expression Key, Expression Value)> items) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        scope.Rendering.MakeItems(4L * items.Count);
        var dict = new DictValue();
        foreach (var (key, value) in items) dict.Set(Equality.Key(scope.Rendering, key.Evaluate(scope)), value.Evaluate(scope));
        return dict;
    }
}
