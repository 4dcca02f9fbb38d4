namespace LoraServe.Text.Templates.Values;

/// <summary>The arguments of a call.</summary>
/// <param name="Positional">Without a name, in order.</param>
/// <param name="Named">By name, each name once.</param>
internal sealed record Arguments(IReadOnlyList<object> Positional, IReadOnlyList<KeyValuePair<string, object>> Named)
{
    /// <summary>None at all.</summary>
    public static Arguments Empty { get; } = new([], []);

    /// <summary>
    /// The argument of each parameter, null if not given; a star before a parameter's name marks it as required.
    /// </summary>
    public object?[] Bind(string function, params ReadOnlySpan<string> parameters)
    {
        if (Positional.Count > parameters.Length)
            throw new ChatTemplateException($"{function}() takes at most {parameters.Length} arguments, but {Positional.Count} were given");
        var bound = new object?[parameters.Length];
        for (var i = 0; i < Positional.Count; i++) bound[i] = Positional[i];
        foreach (var (name, value) in Named)
        {
            var index = IndexOf(name, parameters);
            if (index < 0) throw new ChatTemplateException($"{function}() has no parameter '{name}'");
            if (bound[index] is not null) throw new ChatTemplateException($"{function}() got several values for parameter '{name}'");
            bound[index] = value;
        }

        for (var i = 0; i < parameters.Length; i++)
        {
            if (bound[i] is null && parameters[i][0] == '*')
                throw new ChatTemplateException($"{function}() needs an argument for its parameter '{parameters[i][1..]}'");
        }

        return bound;
    }

    /// <summary>The arguments without the first <paramref name="count"/> positional ones.</summary>
    public Arguments Skip(int count) => new([.. Positional.Skip(count)], Named);

    /// <summary>A named argument, or null.</summary>
    public object? Find(string name)
    {
        foreach (var (candidate, value) in Named)
            if (candidate == name) return value;
        return null;
    }

    private static int IndexOf(string name, ReadOnlySpan<string> parameters)
    {
        for (var i = 0; i < parameters.Length; i++)
            if (parameters[i].AsSpan().TrimStart('*').SequenceEqual(name)) return i;
        return -1;
    }
}
