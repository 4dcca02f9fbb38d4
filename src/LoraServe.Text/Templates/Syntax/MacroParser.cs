using LoraServe.Text.Templates.Nodes;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>Parses macros and call blocks.</summary>
/// <param name="tokens">The source tokens.</param>
/// <param name="expressions">Parses calls and defaults, and records which variables of a macro are read.</param>
/// <param name="targets">Parses names.</param>
/// <param name="template">Parses bodies.</param>
internal sealed class MacroParser(TokenStream tokens, ExpressionParser expressions, TargetParser targets, TemplateParser template)
{
    /// <summary>{% macro name(parameters) %} to its end.</summary>
    public MacroDefinition ParseMacro(int line)
    {
        var name = targets.ParseName();
        var macro = ParseBody(name, "macro", "endmacro", ParseParameters);
        return new MacroDefinition(line, name, macro);
    }

    /// <summary>{% call(parameters) name(arguments) %} to its end.</summary>
    public CallBlock ParseCall(int line)
    {
        Expression? call = null;
        var body = ParseBody(Macro.Caller, "call", "endcall", () =>
        {
            var parameters = tokens.IsOperator("(") ? ParseParameters() : [];
            call = expressions.Parse();
            return parameters;
        });
        return new CallBlock(line, call as Call ?? throw new InvalidChatTemplateException(line, "expected a call after 'call'"), body);
    }

    private Macro ParseBody(string name, string opener, string end, Func<IReadOnlyList<MacroParameter>> parseParameters)
    {
        var namesRead = expressions.MacroNamesRead;
        var parameters = parseParameters();
        expressions.MacroNamesRead = [];
        var body = template.ParseFunction(opener, end);
        var inBody = expressions.MacroNamesRead;
        expressions.MacroNamesRead = namesRead;
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
        tokens.ExpectOperator("(");
        var parameters = new List<MacroParameter>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (!tokens.IsOperator(")"))
        {
            if (parameters.Count > 0) tokens.ExpectOperator(",");
            var name = targets.ParseName();
            if (parameters.Count == RenderLimits.Parameters)
                throw tokens.Fault($"a macro may have at most {RenderLimits.Parameters} parameters");
            if (!names.Add(name)) throw tokens.Fault($"parameter '{name}' appears twice");
            Expression? byDefault = null;
            if (tokens.SkipOperator("=")) byDefault = expressions.Parse();
            else if (name == Macro.Caller) throw tokens.Fault($"the parameter '{name}' must have a default");
            else if (parameters.Count > 0 && parameters[^1].Default is not null)
                throw tokens.Fault($"parameter '{name}' without a default follows one with a default");
            parameters.Add(new MacroParameter(name, byDefault));
        }

        tokens.ExpectOperator(")");
        return parameters;
    }
}
