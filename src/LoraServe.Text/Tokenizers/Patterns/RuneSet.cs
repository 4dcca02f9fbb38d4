using System.Globalization;
using System.Text;

namespace LoraServe.Text.Tokenizers.Patterns;

/// <summary>
/// A set of Unicode scalar values. The defining condition is evaluated once for each block of 256 values, on first use;
/// after that, membership is a bit test. Safe for any number of threads.
/// </summary>
internal sealed class RuneSet(Func<int, bool> condition)
{
    private const int BlockCount = 0x110000 / 256;

    private readonly Func<int, bool> _condition = condition;
    private ulong[]? _latin;
    private ulong[]?[]? _blocks;

    public bool Contains(int rune)
    {
        if (rune < 256)
        {
            var latin = _latin ??= Block(0);
            return (latin[rune >> 6] >> rune & 1) != 0;
        }
        var blocks = _blocks ??= new ulong[]?[BlockCount];
        var block = blocks[rune >> 8] ??= Block(rune >> 8);
        return (block[rune >> 6 & 3] >> rune & 1) != 0;
    }

    public static RuneSet Of(int rune) => new(candidate => candidate == rune);

    public static RuneSet Range(int first, int last) => new(candidate => candidate >= first && candidate <= last);

    public static RuneSet Category(params UnicodeCategory[] categories)
    {
        var mask = categories.Aggregate(0u, (bits, category) => bits | 1u << (int)category);
        return new(rune => (mask >> (int)CharUnicodeInfo.GetUnicodeCategory(rune) & 1) != 0);
    }

    /// <summary>
    /// The union of sets. It keeps only their conditions, so that a thousand sets do not become a thousand tables.
    /// </summary>
    public static RuneSet AnyOf(IReadOnlyList<RuneSet> sets)
    {
        Func<int, bool>[] conditions = [.. sets.Select(set => set._condition)];
        return new(rune => Array.Exists(conditions, holds => holds(rune)));
    }

    public RuneSet Union(RuneSet other) => new(rune => Contains(rune) || other.Contains(rune));

    public RuneSet Intersection(RuneSet other) => new(rune => Contains(rune) && other.Contains(rune));

    public RuneSet Complement() => new(rune => !Contains(rune));

    /// <summary>The set together with the other cases of its members (simple case folding, so that the Kelvin sign is a k).</summary>
    public RuneSet IgnoringCase() => new(rune => Contains(rune) || Contains(Upper(rune)) || Contains(Fold(rune)));

    /// <summary>Every value that folds to the same letter as <paramref name="rune"/>.</summary>
    public static RuneSet OfIgnoringCase(int rune) => new(candidate => Fold(candidate) == Fold(rune));

    private static int Upper(int rune) => Rune.IsValid(rune) ? Rune.ToUpperInvariant(new Rune(rune)).Value : rune;

    private static int Fold(int rune) => rune switch
    {
        // The runtime keeps it from becoming ASCII.
        'ſ' => 's',
        _ when Rune.IsValid(rune) => Rune.ToLowerInvariant(new Rune(Upper(rune))).Value,
        _ => rune,
    };

    private ulong[] Block(int number)
    {
        var bits = new ulong[4];
        for (var i = 0; i < 256; i++)
        {
            if (_condition(number << 8 | i)) bits[i >> 6] |= 1UL << i;
        }
        return bits;
    }
}
