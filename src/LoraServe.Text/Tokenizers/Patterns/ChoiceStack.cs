using System.Buffers;

namespace LoraServe.Text.Tokenizers.Patterns;

/// <summary>
/// An open choice. Of a Split: the position; High is 1 once the second branch is being tried. Of a Star: the run of values that
/// starts at Low and ends at High, left at Position.
/// </summary>
internal struct Choice
{
    public int Instruction;
    public int Low;
    public int Position;
    public int High;
}

/// <summary>The open choices of a search, the latest last.</summary>
/// <param name="room">Room for the first ones.</param>
internal ref struct ChoiceStack(Span<Choice> room)
{
    private Span<Choice> _choices = room;
    private Choice[]? _rented;

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>The latest one, as long as none is added.</summary>
    public readonly ref Choice Latest => ref _choices[Count - 1];

    /// <summary>Those that were added after the first <paramref name="bottom"/>.</summary>
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

    /// <summary>Gives up all but the first ones.</summary>
    public void Cut(int count) => Count = count;

    /// <summary>Gives back what was rented; nothing may be added afterwards.</summary>
    public void Dispose()
    {
        if (_rented is not null) ArrayPool<Choice>.Shared.Return(_rented);
        _rented = null;
    }
}
