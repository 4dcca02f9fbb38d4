using LoraServe.Text.Templates.Nodes;

namespace LoraServe.Text.Templates.Syntax;

/// <content>What values are assigned to.</content>
internal sealed partial class TemplateParser
{
    private Target ParseTargets(bool allowNamespace)
    {
        var targets = new List<Target>();
        do
        {
            if (targets.Count > 0 && IsTargetsEnd) return new TupleTarget(targets);
            targets.Add(ParseTarget(allowNamespace));
        }
        while (_tokens.SkipOperator(","));
        return targets.Count == 1 ? targets[0] : new TupleTarget(targets);
    }

    private Target ParseTarget(bool allowNamespace)
    {
        if (!_tokens.SkipOperator("(")) return ParseNameOrAttribute(allowNamespace);
        _tokens.Enter();
        var target = ParseTargets(allowNamespace);
        _tokens.Leave();
        _tokens.ExpectOperator(")");
        return target;
    }

    private Target ParseNameOrAttribute(bool allowNamespace)
    {
        var name = ParseNewName();
        if (!allowNamespace || !_tokens.SkipOperator(".")) return new NameTarget(name);
        _expressions.NoteRead(name);
        return new NamespaceTarget(name, _tokens.TakeName());
    }

    private bool IsTargetsEnd => _tokens.Is(TokenKind.BlockEnd) || _tokens.IsOperator(")");

    private string ParseNewName()
    {
        var name = _tokens.TakeName();
        return ExpressionParser.IsAssignable(name) && (name != For.Loop || _fors == 0) ? name : throw _tokens.Fault($"cannot assign to '{name}'");
    }
}
