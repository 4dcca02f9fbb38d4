namespace LoraServe.Text.Templates;

/// <summary>
/// Limits of one rendering. Every operation takes steps in proportion to its work, so the number of steps bounds the time: the most take
/// about a second. The time limit is for slow or busy machines.
/// </summary>
internal static class RenderLimits
{
    /// <summary>Characters of a template's source.</summary>
    public const int SourceLength = 1 << 20;

    /// <summary>Nesting depth of expressions and statements in the source.</summary>
    public const int SyntaxDepth = 128;

    /// <summary>Length of a chain of operators, attributes or filters: 1 + 1 + 1, x.a.b.c.</summary>
    public const int ChainLength = 1000;

    /// <summary>Characters of a name.</summary>
    public const int NameLength = 1000;

    /// <summary>Parameters of a macro.</summary>
    public const int Parameters = 1000;

    /// <summary>Operations.</summary>
    public const long Steps = 10_000_000;

    /// <summary>Wall-clock time.</summary>
    public static readonly TimeSpan Time = TimeSpan.FromSeconds(2);

    /// <summary>Characters of a string, or of the output.</summary>
    public const int TextLength = 8 << 20;

    /// <summary>Items of a list.</summary>
    public const int ListLength = 1 << 20;

    /// <summary>Bytes of all values that a rendering allocates, including those no longer referenced.</summary>
    public const long Bytes = 128L << 20;

    /// <summary>Depth of nested calls of macros and recursive loops.</summary>
    public const int CallDepth = 100;

    /// <summary>Depth of chained lazy filters, such as map and select.</summary>
    public const int GeneratorDepth = 100;

    /// <summary>Nesting depth of lists and dictionaries.</summary>
    public const int ValueDepth = 200;

    /// <summary>Numbers of a range; the limit of Jinja's sandbox.</summary>
    public const int RangeLength = 100_000;
}
