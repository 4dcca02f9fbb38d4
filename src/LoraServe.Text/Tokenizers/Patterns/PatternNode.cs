namespace LoraServe.Text.Tokenizers.Patterns;

internal enum Greed
{
    Greedy,
    Lazy,
    Possessive,
}

internal enum Assertion
{
    TextStart,
    TextEnd,
    TextEndOrFinalNewline,
    LineStart,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

/// <summary>The syntax tree of a pattern.</summary>
internal abstract record PatternNode
{
    /// <summary>The length of every match, in scalar values; null if it varies.</summary>
    public abstract int? Length { get; }

    /// <summary>Whether the node can match the empty text.</summary>
    public abstract bool MayBeEmpty { get; }

    public sealed record One(RuneSet Set) : PatternNode
    {
        public override int? Length => 1;

        public override bool MayBeEmpty => false;
    }

    public sealed record Sequence(IReadOnlyList<PatternNode> Items) : PatternNode
    {
        public override int? Length => Items.Aggregate((int?)0, (sum, item) => sum + item.Length);

        public override bool MayBeEmpty => Items.All(item => item.MayBeEmpty);
    }

    public sealed record Alternation(IReadOnlyList<PatternNode> Items) : PatternNode
    {
        public override int? Length => Items.Select(item => item.Length).Distinct().Count() == 1 ? Items[0].Length : null;

        public override bool MayBeEmpty => Items.Any(item => item.MayBeEmpty);
    }

    /// <param name="Body">the repeated node</param>
    /// <param name="Min">the smallest number of repetitions</param>
    /// <param name="Max">the largest number of repetitions, null for no limit</param>
    /// <param name="Greed">whether more or fewer repetitions are tried first, and whether the match can give any back</param>
    public sealed record Repeat(PatternNode Body, int Min, int? Max, Greed Greed) : PatternNode
    {
        public override int? Length => Min == Max ? Body.Length * Min : null;

        public override bool MayBeEmpty => Min == 0 || Body.MayBeEmpty;
    }

    public sealed record Look(PatternNode Body, bool Behind, bool Negative) : PatternNode
    {
        public override int? Length => 0;

        public override bool MayBeEmpty => true;
    }

    public sealed record Assert(Assertion Assertion) : PatternNode
    {
        public override int? Length => 0;

        public override bool MayBeEmpty => true;
    }
}
