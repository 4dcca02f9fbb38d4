namespace LoraServe.Text.Templates.Values;

/// <summary>Something that a template can call.</summary>
internal abstract class CallableValue
{
    public abstract object Call(Rendering rendering, Arguments arguments);
}

/// <summary>A function of the environment, or a method together with the value that it belongs to.</summary>
internal sealed class Function(string name, Func<Rendering, Arguments, object> body) : CallableValue
{
    public string Name => name;

    public override object Call(Rendering rendering, Arguments arguments) => body(rendering, arguments);
}

/// <summary>Jinja's namespace: attributes that {% set %} can change from within loops.</summary>
internal sealed class NamespaceValue(DictValue attributes)
{
    public DictValue Attributes => attributes;
}

/// <summary>Jinja's cycler: its items one after the other, and again.</summary>
internal sealed class CyclerValue(IReadOnlyList<object> items)
{
    private int _position;

    public object Current => items[_position];

    public object Next()
    {
        var current = Current;
        _position = (_position + 1) % items.Count;
        return current;
    }

    public void Reset() => _position = 0;
}

/// <summary>Jinja's joiner: nothing the first time, the separator from then on.</summary>
internal sealed class JoinerValue(object separator) : CallableValue
{
    private bool _isUsed;

    public override object Call(Rendering rendering, Arguments arguments)
    {
        arguments.Bind("joiner");
        if (_isUsed) return separator;
        _isUsed = true;
        return "";
    }
}
