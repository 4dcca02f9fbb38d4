namespace LoraServe.Text.Templates.Values;

/// <summary>A callable value.</summary>
internal abstract class CallableValue
{
    public abstract object Call(Rendering rendering, Arguments arguments);
}

/// <summary>A global function, or a method bound to its value.</summary>
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

/// <summary>Jinja's cycler: returns its items in turn, repeatedly.</summary>
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

/// <summary>Jinja's joiner: empty the first time, then the separator.</summary>
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
