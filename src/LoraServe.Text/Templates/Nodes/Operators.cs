using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates.Nodes;

/// <summary>not a</summary>
internal sealed class Not(Expression operand) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        return Flag.Of(!Truth.Of(operand.Evaluate(scope)));
    }
}

/// <summary>a and b: the operand that decides the result.</summary>
internal sealed class And(Expression left, Expression right) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        var value = left.Evaluate(scope);
        return Truth.Of(value) ? right.Evaluate(scope) : value;
    }
}

/// <summary>a or b: the operand that decides the result.</summary>
internal sealed class Or(Expression left, Expression right) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        var value = left.Evaluate(scope);
        return Truth.Of(value) ? value : right.Evaluate(scope);
    }
}

/// <summary>a if condition else b</summary>
internal sealed class Conditional(Expression condition, Expression then, Expression? otherwise) : Expression
{
    private static readonly Undefined Nothing =
        new(() => "the inline if-expression evaluated to false and no else section was defined");

    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        return Truth.Of(condition.Evaluate(scope)) ? then.Evaluate(scope) : otherwise?.Evaluate(scope) ?? Nothing;
    }
}

/// <summary>a + b and the like.</summary>
internal sealed class Binary(Func<Rendering, object, object, object> operation, Expression left, Expression right) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        return operation(scope.Rendering, left.Evaluate(scope), right.Evaluate(scope));
    }
}

/// <summary>-a and +a</summary>
internal sealed class Unary(Func<object, object> operation, Expression operand) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        return operation(operand.Evaluate(scope));
    }
}

/// <summary>a ~ b ~ c: string concatenation.</summary>
internal sealed class Concatenation(IReadOnlyList<Expression> parts) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        scope.Rendering.MakeItems(parts.Count);
        var texts = new string[parts.Count];
        long length = 0;
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = ValueText.Of(scope.Rendering, parts[i].Evaluate(scope));
            length += texts[i].Length;
        }

        scope.Rendering.MakeText(length);
        return string.Concat(texts);
    }
}

/// <summary>a &lt; b &lt; c: each adjacent pair in turn, until one is false.</summary>
internal sealed class Comparison(
    Expression first, IReadOnlyList<(Func<Rendering, object, object, bool> Holds, Expression Operand)> rest) : Expression
{
    public override object Evaluate(Scope scope)
    {
        scope.Rendering.Step();
        var left = first.Evaluate(scope);
        foreach (var (holds, operand) in rest)
        {
            scope.Rendering.Step();
            var right = operand.Evaluate(scope);
            if (!holds(scope.Rendering, left, right)) return Flag.False;
            left = right;
        }

        return Flag.True;
    }
}
