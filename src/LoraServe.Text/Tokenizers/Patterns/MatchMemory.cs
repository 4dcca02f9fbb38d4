namespace LoraServe.Text.Tokenizers.Patterns;

internal enum Outcome
{
    Unknown,
    Failed,
    Succeeded,
}

/// <summary>
/// Memoized outcomes of a <see cref="PatternMatcher"/> on its text: for an instruction (by number) and a position, whether a match can
/// be reached from there. Two bits each, allocated for an instruction when its first outcome is stored.
/// </summary>
internal struct MatchMemory(int memos, int length)
{
    private ulong[]?[]? _outcomes;
    private (int Start, int End)[]? _runs;

    public readonly Outcome Recall(int memo, int position)
    {
        if (_outcomes?[memo] is not { } outcomes) return Outcome.Unknown;
        return (Outcome)(outcomes[position >> 5] >> (position << 1) & 3);
    }

    /// <summary>Stores the outcome for every position from <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public void Remember(int memo, int first, int last, Outcome outcome)
    {
        _outcomes ??= new ulong[]?[memos];
        var outcomes = _outcomes[memo] ??= new ulong[(length >> 5) + 1];
        for (var position = first; position <= last; position++) outcomes[position >> 5] |= (ulong)outcome << (position << 1);
    }

    /// <summary>The end of the last stored run of an instruction if <paramref name="position"/> is in it.</summary>
    public readonly int? RecallRun(int memo, int position) =>
        _runs is not null && position >= _runs[memo].Start && position < _runs[memo].End ? _runs[memo].End : null;

    public void RememberRun(int memo, int start, int end)
    {
        if (end - start < 16) return;
        _runs ??= new (int, int)[memos];
        _runs[memo] = (start, end);
    }
}
