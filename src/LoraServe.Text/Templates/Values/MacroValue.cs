using LoraServe.Text.Templates.Nodes;

namespace LoraServe.Text.Templates.Values;

/// <summary>A macro with the scope of its definition.</summary>
internal sealed class MacroValue(Macro macro, Scope scope) : CallableValue
{
    public Macro Macro => macro;

    public override object Call(Rendering rendering, Arguments arguments)
    {
        var inner = new Scope(scope);
        Bind(inner, arguments);
        rendering.EnterCall();
        var line = rendering.Line;
        var outer = rendering.BeginCapture();
        macro.Body.Execute(inner);
        var text = rendering.EndCapture(outer);
        rendering.Line = line;
        rendering.LeaveCall();
        return text;
    }

    /// <summary>The names of its parameters.</summary>
    public TupleValue Arguments(Rendering rendering)
    {
        rendering.MakeItems(macro.Parameters.Count);
        return new TupleValue([.. macro.Parameters.Select(parameter => parameter.Name)]);
    }

    private void Bind(Scope inner, Arguments arguments)
    {
        var positional = arguments.Positional;
        inner.Rendering.Steps(macro.Parameters.Count + positional.Count + 2L * arguments.Named.Count);
        var named = arguments.Named.ToDictionary(StringComparer.Ordinal);
        for (var i = 0; i < macro.Parameters.Count; i++)
        {
            var parameter = macro.Parameters[i];
            if (i < positional.Count) inner.Set(parameter.Name, positional[i]);
            else if (named.Remove(parameter.Name, out var value)) inner.Set(parameter.Name, value);
            else if (parameter.Default is null) inner.Set(parameter.Name, new Undefined(() => $"parameter '{parameter.Name}' was not provided"));
            else inner.Set(parameter.Name, parameter.Default.Evaluate(inner));
        }

        if (macro.UsesCaller)
            inner.Set(Macro.Caller, named.Remove(Macro.Caller, out var caller) ? caller : new Undefined(() => "No caller defined"));
        var rest = arguments.Named.Where(argument => named.ContainsKey(argument.Key));
        if (macro.UsesNamedRest)
        {
            var dict = new DictValue();
            foreach (var (name, value) in rest) dict.Set(name, value);
            inner.Set(Macro.NamedRest, dict);
        }
        else if (named.Count > 0)
        {
            throw new ChatTemplateException($"macro '{macro.Name}' takes no keyword argument '{rest.First().Key}'");
        }

        if (macro.UsesRest) inner.Set(Macro.Rest, new TupleValue([.. positional.Skip(macro.Parameters.Count)]));
        else if (positional.Count > macro.Parameters.Count)
            throw new ChatTemplateException($"macro '{macro.Name}' takes not more than {macro.Parameters.Count} argument(s)");
    }
}
