namespace LoraServe.Text.Templates.Values;

/// <summary>
/// A scope of variables. A variable is visible in its scope and in nested ones, and hides an outer one of the same name. Names are interned
/// by the parser, so they are compared by reference.
/// </summary>
internal sealed class Scope
{
    // Up to this number a linear search is as fast as a dictionary.
    private const int ListLength = 8;

    private readonly Scope? _outer;
    private readonly Dictionary<string, object>? _context;
    private (string Name, object Value)[] _variables = [];
    private Dictionary<string, int>? _places;
    private int _count;

    /// <param name="rendering">The run of the template.</param>
    /// <param name="context">The input variables.</param>
    public Scope(Rendering rendering, Dictionary<string, object> context) => (Rendering, _context) = (rendering, context);

    /// <param name="outer">The enclosing scope.</param>
    public Scope(Scope outer) => (Rendering, _outer) = (outer.Rendering, outer);

    /// <summary>The run of the template.</summary>
    public Rendering Rendering { get; }

    /// <summary>The value, or null if there is no variable of this name.</summary>
    public object? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope._outer)
        {
            if (scope._context is not null) return scope._context.GetValueOrDefault(name);
            var place = scope.PlaceOf(name);
            if (place >= 0) return scope._variables[place].Value;
        }

        return null;
    }

    /// <summary>Sets a variable of this scope.</summary>
    public void Set(string name, object value)
    {
        var place = PlaceOf(name);
        if (place >= 0)
        {
            _variables[place].Value = value;
            return;
        }

        if (_count == _variables.Length) Grow();
        _places?.Add(name, _count);
        _variables[_count++] = (name, value);
    }

    private int PlaceOf(string name)
    {
        if (_places is not null) return _places.GetValueOrDefault(name, -1);
        for (var i = 0; i < _count; i++)
            if (ReferenceEquals(_variables[i].Name, name)) return i;
        return -1;
    }

    private void Grow()
    {
        var length = Math.Max(4, 2 * _count);
        if (length > ListLength) Rendering.Make(64L * length);
        Array.Resize(ref _variables, length);
        if (length <= ListLength || _places is not null) return;
        _places = new Dictionary<string, int>(ReferenceEqualityComparer.Instance);
        for (var i = 0; i < _count; i++) _places.Add(_variables[i].Name, i);
    }
}
