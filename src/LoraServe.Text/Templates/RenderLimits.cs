namespace LoraServe.Text.Templates;

/// <summary>
/// How far one rendering may go. Every operation takes steps in proportion to its work, so the number of steps bounds the time: the most take
/// about a second. The limit of time is for a machine that is slow or busy.
/// </summary>
internal static class RenderLimits
{
    /// <summary>Characters of a template's source.</summary>
    public const int SourceLength = 1 << 20;

    /// <summary>Expressions and statements within one another in the source.</summary>
    public const int SyntaxDepth = 128;

    /// <summary>Operators, filters and the like that are applied one to the other: 1 + 1 + 1, x.a.b.c.</summary>
    public const int ChainLength = 1000;

    /// <summary>Characters of a name.</summary>
    public const int NameLength = 1000;

    /// <summary>Parameters of a macro.</summary>
    public const int Parameters = 1000;

    /// <summary>Operations.</summary>
    public const long Steps = 10_000_000;

    /// <summary>How long it may take.</summary>
    public static readonly TimeSpan Time = TimeSpan.FromSeconds(2);

    /// <summary>Characters of a text, the output among them.</summary>
    public const int TextLength = 8 << 20;

    /// <summary>Items of a list.</summary>
    public const int ListLength = 1 << 20;

    /// <summary>Bytes of all values that a rendering makes, whether it still holds them or not.</summary>
    public const long Bytes = 128L << 20;

    /// <summary>Macros and recursive loops that are running within one another.</summary>
    public const int CallDepth = 100;

    /// <summary>Filters such as map and select whose input is the output of another that has not run yet.</summary>
    public const int GeneratorDepth = 100;

    /// <summary>Lists and dictionaries within one another.</summary>
    public const int ValueDepth = 200;

    /// <summary>Numbers of a range; the limit of Jinja's sandbox.</summary>
    public const int RangeLength = 100_000;
}
