using LoraServe.Text.Templates.Nodes;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>Parses the targets of assignments.</summary>
/// <param name="tokens">The source tokens.</param>
/// <param name="expressions">Records the namespaces that are read.</param>
internal sealed class TargetParser(TokenStream tokens, ExpressionParser expressions)
{
    /// <summary>The number of enclosing loops: inside a loop, no variable can be called loop.</summary>
    public int Loops { get; set; }

    /// <summary>A target, or several separated by commas.</summary>
    /// <param name="allowNamespace">Whether it can be an attribute of a namespace.</param>
    public Target Parse(bool allowNamespace)
    {
        var targets = new List<Target>();
        do
        {
            if (targets.Count > 0 && IsTargetsEnd) return new TupleTarget(targets);
            targets.Add(ParseTarget(allowNamespace));
        }
        while (tokens.SkipOperator(","));
        return targets.Count == 1 ? targets[0] : new TupleTarget(targets);
    }

    private Target ParseTarget(bool allowNamespace)
    {
        if (!tokens.SkipOperator("(")) return ParseNameOrAttribute(allowNamespace);
        tokens.Enter();
        var target = Parse(allowNamespace);
        tokens.Leave();
        tokens.ExpectOperator(")");
        return target;
    }

    private Target ParseNameOrAttribute(bool allowNamespace)
    {
        var name = ParseName();
        if (!allowNamespace || !tokens.SkipOperator(".")) return new NameTarget(name);
        expressions.NoteRead(name);
        return new NamespaceTarget(name, tokens.TakeName());
    }

    private bool IsTargetsEnd => tokens.Is(TokenKind.BlockEnd) || tokens.IsOperator(")");

    /// <summary>A name that can be assigned.</summary>
    public string ParseName()
    {
        var name = tokens.TakeName();
        return ExpressionParser.IsAssignable(name) && (name != For.Loop || Loops == 0) ? name : throw tokens.Fault($"cannot assign to '{name}'");
    }
}
