using LoraServe.Text.Templates.Nodes;

namespace LoraServe.Text.Templates.Syntax;

/// <summary>The tokens of a template, read one after the other.</summary>
internal sealed class TokenStream(IReadOnlyList<Token> tokens)
{
    // Names that statements set implicitly must be the same object as those in the source.
    private readonly HashSet<string> _names =
        new([For.Loop, Macro.Caller, Macro.Rest, Macro.NamedRest], StringComparer.Ordinal);
    private int _position;
    private int _depth;

    public Token Current => tokens[_position];

    public Token Following => tokens[Math.Min(_position + 1, tokens.Count - 1)];

    public Token Take()
    {
        var token = Current;
        if (token.Kind != TokenKind.End) _position++;
        return token;
    }

    public bool Is(TokenKind kind) => Current.Kind == kind;

    public bool IsName(string name) => Current.Is(TokenKind.Name, name);

    public bool IsOperator(string text) => Current.Is(TokenKind.Operator, text);

    public bool SkipName(string name) => Skip(IsName(name));

    public bool SkipOperator(string text) => Skip(IsOperator(text));

    public void ExpectName(string name)
    {
        if (!SkipName(name)) throw Unexpected($"'{name}'");
    }

    public void ExpectOperator(string text)
    {
        if (!SkipOperator(text)) throw Unexpected($"'{text}'");
    }

    public void Expect(TokenKind kind)
    {
        if (!Skip(Current.Kind == kind)) throw Unexpected(new Token(kind, "", 0).ToString());
    }

    /// <summary>Takes a name; equal names are the same object.</summary>
    public string TakeName()
    {
        if (Current.Kind != TokenKind.Name) throw Unexpected("a name");
        return Intern(Take().Text);
    }

    /// <summary>Interns a name: equal names are the same object.</summary>
    public string Intern(string name)
    {
        if (_names.TryGetValue(name, out var known)) return known;
        _names.Add(name);
        return name;
    }

    public InvalidChatTemplateException Unexpected(string expected) => Fault($"expected {expected}, found {Current}");

    public InvalidChatTemplateException Fault(string fault) => new(Current.Line, fault);

    /// <summary>Enters a nesting level, to be ended by <see cref="Leave"/>.</summary>
    public void Enter()
    {
        if (++_depth > RenderLimits.SyntaxDepth)
            throw Fault($"expressions and blocks may be nested {RenderLimits.SyntaxDepth} deep");
    }

    /// <summary>Leaves a nesting level.</summary>
    public void Leave() => _depth--;

    /// <summary>Parses one nesting level deeper.</summary>
    public T Within<T>(Func<T> read)
    {
        Enter();
        var found = read();
        Leave();
        return found;
    }

    /// <summary>Counts one more operator or filter of a chain, whose depth in the tree equals its length.</summary>
    public void AddLink(ref int links)
    {
        if (++links > RenderLimits.ChainLength)
            throw Fault($"at most {RenderLimits.ChainLength} operators or filters may follow one another in an expression");
    }

    private bool Skip(bool isIt)
    {
        if (isIt) _position++;
        return isIt;
    }
}
