using LoraServe.Engine.Tokenization.Templates.Nodes;

namespace LoraServe.Engine.Tokenization.Templates.Values;

/// <summary>A macro together with the variables that it was defined among.</summary>
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

    private void Bind(Scope inner, Arguments arguments)
    {
        var (positional, named) = (arguments.Positional, arguments.Named.ToList());
        for (var i = 0; i < macro.Parameters.Count; i++)
        {
            var parameter = macro.Parameters[i];
            if (i < positional.Count) inner.Set(parameter.Name, positional[i]);
            else if (Take(named, parameter.Name) is { } value) inner.Set(parameter.Name, value);
            else if (parameter.Default is null) inner.Set(parameter.Name, new Undefined(() => $"parameter '{parameter.Name}' was not provided"));
            else inner.Set(parameter.Name, parameter.Default.Evaluate(inner));
        }

        if (macro.UsesCaller) inner.Set(Macro.Caller, Take(named, Macro.Caller) ?? new Undefined(() => "No caller defined"));
        if (macro.UsesNamedRest)
        {
            var rest = new DictValue();
            foreach (var (name, value) in named) rest.Set(name, value);
            inner.Set(Macro.NamedRest, rest);
        }
        else if (named.Count > 0)
        {
            throw new ChatTemplateException($"macro '{macro.Name}' takes no keyword argument '{named[0].Key}'");
        }

        if (macro.UsesRest) inner.Set(Macro.Rest, new TupleValue([.. positional.Skip(macro.Parameters.Count)]));
        else if (positional.Count > macro.Parameters.Count)
            throw new ChatTemplateException($"macro '{macro.Name}' takes not more than {macro.Parameters.Count} argument(s)");
    }

    private static object? Take(List<KeyValuePair<string, object>> named, string name)
    {
        var index = named.FindIndex(argument => argument.Key == name);
        if (index < 0) return null;
        var value = named[index].Value;
        named.RemoveAt(index);
        return value;
    }
}
