using System.Buffers;

namespace LoraServe.Text.Tokenizers.Patterns;

/// <summary>
/// A backtracking point. Of a Split: the position; High is 1 once the second branch is being tried. Of a Star: the run of values
/// from Low to High, left at Position.
/// </summary>
internal struct Choice
{
    public int Instruction;
    public int Low;
    public int Position;
    public int High;
}

/// <summary>The backtracking stack of a search.</summary>
/// <param name="room">Space for the first choices; more is rented when needed.</param>
internal ref struct ChoiceStack(Span<Choice> room)
{
    private Span<Choice> _choices = room;
    private Choice[]? _rented;

    /// <summary>The number of open choices.</summary>
    public int Count { get; private set; }

    /// <summary>The top of the stack; the reference is valid until a choice is added.</summary>
    public readonly ref Choice Latest => ref _choices[Count - 1];

    /// <summary>The choices above the first <paramref name="bottom"/>.</summary>
    public readonly ReadOnlySpan<Choice> From(int bottom) => _choices[bottom..Count];

    public void Push(Choice choice)
    {
        if (Count == _choices.Length)
        {
            var larger = ArrayPool<Choice>.Shared.Rent(_choices.Length * 2);
            _choices.CopyTo(larger);
            Dispose();
            _choices = _rented = larger;
        }
        _choices[Count++] = choice;
    }

    public void Pop() => Count--;

    /// <summary>Drops all but the first <paramref name="count"/> choices.</summary>
    public void Cut(int count) => Count = count;

    /// <summary>Returns rented memory; nothing may be added afterwards.</summary>
    public void Dispose()
    {
        if (_rented is not null) ArrayPool<Choice>.Shared.Return(_rented);
        _rented = null;
    }
}
