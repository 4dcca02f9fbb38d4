using LoraServe.Text.Templates.Nodes;

namespace LoraServe.Text.Templates.Syntax;

/// <content>Macros, and blocks that are given to them.</content>
internal sealed partial class TemplateParser
{
    private MacroDefinition ParseMacro(int line)
    {
        var name = ParseNewName();
        var macro = ParseMacroBody(name, "macro", "endmacro", ParseParameters);
        return new MacroDefinition(line, name, macro);
    }

    private CallBlock ParseCall(int line)
    {
        Expression? call = null;
        var body = ParseMacroBody(Macro.Caller, "call", "endcall", () =>
        {
            var parameters = _tokens.IsOperator("(") ? ParseParameters() : [];
            call = _expressions.Parse();
            return parameters;
        });
        return new CallBlock(line, call as Call ?? throw new InvalidChatTemplateException(line, "expected a call after 'call'"), body);
    }

    private Macro ParseMacroBody(string name, string opener, string end, Func<IReadOnlyList<MacroParameter>> parseParameters)
    {
        var (namesRead, loops) = (_expressions.MacroNamesRead, _loops);
        var parameters = parseParameters();
        (_expressions.MacroNamesRead, _loops) = ([], 0);
        var body = Unconditionally(() => ParseBody(opener, end));
        _tokens.Take();
        var inBody = _expressions.MacroNamesRead;
        (_expressions.MacroNamesRead, _loops) = (namesRead, loops);
        foreach (var read in inBody) namesRead.Add(read);
        bool Uses(string variable) => inBody.Contains(variable) && parameters.All(parameter => parameter.Name != variable);
        return new Macro(name, parameters, body)
        {
            UsesCaller = Uses(Macro.Caller),
            UsesRest = Uses(Macro.Rest),
            UsesNamedRest = Uses(Macro.NamedRest),
        };
    }

    private List<MacroParameter> ParseParameters()
    {
        _tokens.ExpectOperator("(");
        var parameters = new List<MacroParameter>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (!_tokens.IsOperator(")"))
        {
            if (parameters.Count > 0) _tokens.ExpectOperator(",");
            var name = ParseNewName();
            if (parameters.Count == RenderLimits.Parameters)
                throw _tokens.Fault($"a macro may have at most {RenderLimits.Parameters} parameters");
            if (!names.Add(name)) throw _tokens.Fault($"parameter '{name}' is there twice");
            Expression? byDefault = null;
            if (_tokens.SkipOperator("=")) byDefault = _expressions.Parse();
            else if (name == Macro.Caller) throw _tokens.Fault($"the parameter '{name}' must have a default");
            else if (parameters.Count > 0 && parameters[^1].Default is not null)
                throw _tokens.Fault($"parameter '{name}' without a default follows one with a default");
            parameters.Add(new MacroParameter(name, byDefault));
        }

        _tokens.ExpectOperator(")");
        return parameters;
    }
}
