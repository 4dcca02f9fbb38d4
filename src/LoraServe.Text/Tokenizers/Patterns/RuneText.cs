using System.Text;

namespace LoraServe.Text.Tokenizers.Patterns;

/// <summary>A text read by Unicode scalar values, at positions in chars. Half of a surrogate pair reads as U+FFFD.</summary>
internal readonly ref struct RuneText(ReadOnlySpan<char> text)
{
    private readonly ReadOnlySpan<char> _text = text;

    public int Length => _text.Length;

    /// <summary>The position after the value at <paramref name="position"/>.</summary>
    public int After(int position) =>
        position + 1 < _text.Length && char.IsSurrogatePair(_text[position], _text[position + 1]) ? position + 2 : position + 1;

    /// <summary>The position of the value that ends at <paramref name="position"/>.</summary>
    public int Before(int position) =>
        position > 1 && char.IsSurrogatePair(_text[position - 2], _text[position - 1]) ? position - 2 : position - 1;

    /// <summary>Whether the value at <paramref name="position"/> is in the set; if so, <paramref name="behind"/> is the position after it.</summary>
    public bool Starts(RuneSet set, int position, out int behind)
    {
        behind = position;
        if ((uint)position >= (uint)_text.Length) return false;
        var unit = _text[position];
        behind = char.IsSurrogate(unit) ? After(position) : position + 1;
        var rune = !char.IsSurrogate(unit) ? unit
            : behind == position + 2 ? char.ConvertToUtf32(unit, _text[position + 1])
            : Rune.ReplacementChar.Value;
        return set.Contains(rune);
    }

    public bool Holds(Assertion assertion, int position) => assertion switch
    {
        Assertion.TextStart => position == 0,
        Assertion.TextEnd => position == Length,
        Assertion.TextEndOrFinalNewline => position == Length || position == Length - 1 && IsNewline(position),
        Assertion.LineStart => position == 0 || position < Length && IsNewline(position - 1),
        Assertion.LineEnd => position < Length ? IsNewline(position) : Length == 0 || !IsNewline(position - 1),
        Assertion.WordBoundary => IsWordBoundary(position),
        _ => !IsWordBoundary(position),
    };

    private bool IsNewline(int position) => _text[position] == '\n';

    private bool IsWordBoundary(int position)
    {
        var before = position > 0 && Starts(RuneProperties.BareWord, Before(position), out _);
        return before != Starts(RuneProperties.BareWord, position, out _);
    }
}
