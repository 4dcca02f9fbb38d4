namespace LoraServe.Text.Tokenizers.Patterns;

/// <summary>
/// Finds the matches of a program in one text, leftmost first and in order of preference, as a backtracking matcher does.
/// Time is linear in the length of the text: whether an instruction can lead to a match from a position does not depend
/// on how it was reached, so once a search exceeds its step budget, outcomes are memoized.
/// </summary>
internal ref struct PatternMatcher
{
    private const int NoMatch = -1;
    private const int FreeSteps = 1024;
    private const int FreeStepsPerChar = 32;

    private readonly Instruction[] _instructions;
    private readonly RuneText _text;
    private MatchMemory _memory;
    private ChoiceStack _choices;
    private int _start;
    private int _lastEnd = NoMatch;

    /// <param name="program">the compiled pattern</param>
    /// <param name="text">the text to search</param>
    /// <param name="stack">space for the first choices</param>
    public PatternMatcher(PatternProgram program, ReadOnlySpan<char> text, Span<Choice> stack)
    {
        _instructions = program.Instructions;
        _text = new RuneText(text);
        _choices = new ChoiceStack(stack);
        _memory = new MatchMemory(program.MemoCount, text.Length);
    }

    /// <summary>The number of steps taken so far.</summary>
    public long Steps { get; private set; }

    private readonly bool Remembers => Steps > FreeSteps + (long)FreeStepsPerChar * _start;

    /// <summary>Finds the next match that does not overlap the last; skips an empty one right after the last.</summary>
    public bool Next(out int start, out int end)
    {
        while (_start <= _text.Length)
        {
            start = _start;
            end = Run(0, start);
            if (end > start || end == start && end != _lastEnd)
            {
                _start = _lastEnd = end;
                return true;
            }
            _start = start < _text.Length ? _text.After(start) : start + 1;
        }
        start = end = NoMatch;
        return false;
    }

    public void Dispose() => _choices.Dispose();

    /// <summary>The end of the preferred match from an instruction and a position, or <see cref="NoMatch"/>.</summary>
    private int Run(int instruction, int position)
    {
        var bottom = _choices.Count;
        var isLook = instruction != 0;
        int end;
        do
        {
            end = Advance(instruction, position);
        }
        while (end == NoMatch && Backtrack(bottom, out instruction, out position));
        if (isLook && end != NoMatch && Remembers) RememberSuccess(bottom);
        _choices.Cut(bottom);
        return end;
    }

    /// <summary>Follows the preferred branches, pushing the others: the end of a match, or <see cref="NoMatch"/>.</summary>
    private int Advance(int instruction, int position)
    {
        while (true)
        {
            Steps++;
            ref readonly var current = ref _instructions[instruction];
            switch (current.Operation)
            {
                case Operation.One:
                    if (!_text.Starts(current.Set!, position, out position)) return NoMatch;
                    instruction++;
                    break;
                case Operation.Maybe:
                    if (_text.Starts(current.Set!, position, out var behind)) position = behind;
                    instruction++;
                    break;
                case Operation.Star:
                    var entered = EnterStar(in current, instruction, ref position);
                    if (entered != Outcome.Unknown) return entered == Outcome.Failed ? NoMatch : position;
                    instruction++;
                    break;
                case Operation.PossessiveStar:
                    position = EndOfRun(in current, position);
                    instruction++;
                    break;
                case Operation.Split:
                    if (current.Set is not null && !_text.Starts(current.Set, position, out _))
                    {
                        instruction = current.Second;
                        break;
                    }
                    var known = _memory.Recall(current.Memo, position);
                    if (known != Outcome.Unknown) return known == Outcome.Failed ? NoMatch : position;
                    _choices.Push(new Choice { Instruction = instruction, Position = position });
                    instruction = current.First;
                    break;
                case Operation.Jump:
                    instruction = current.First;
                    break;
                case Operation.Look:
                    if (Look(in current, instruction, position) == current.Negative) return NoMatch;
                    instruction = current.First;
                    break;
                case Operation.Assert:
                    if (!_text.Holds(current.Assertion, position)) return NoMatch;
                    instruction++;
                    break;
                default:
                    return position;
            }
        }
    }

    /// <summary>Resumes at the latest choice above <paramref name="bottom"/>.</summary>
    private bool Backtrack(int bottom, out int instruction, out int position)
    {
        while (_choices.Count > bottom)
        {
            ref var choice = ref _choices.Latest;
            ref readonly var chooser = ref _instructions[choice.Instruction];
            if (chooser.Operation == Operation.Star && choice.Position > choice.Low)
            {
                position = choice.Position = _text.Before(choice.Position);
                instruction = choice.Instruction + 1;
                return true;
            }
            if (chooser.Operation == Operation.Split && choice.High == 0)
            {
                (instruction, position) = (chooser.Second, choice.Position);
                // When memoizing, the choice stays until the second branch has failed too, so that this failure can be stored.
                if (Remembers) choice.High = 1;
                else _choices.Pop();
                return true;
            }
            if (Remembers)
            {
                var last = chooser.Operation == Operation.Star ? choice.High : choice.Position;
                _memory.Remember(chooser.Memo, choice.Position, last, Outcome.Failed);
            }
            _choices.Pop();
        }
        (instruction, position) = (NoMatch, NoMatch);
        return false;
    }

    /// <summary>
    /// Matches the run of values from <paramref name="position"/>. If this star is known to fail from a position inside the run, every
    /// end of the run from there on fails too.
    /// </summary>
    private Outcome EnterStar(ref readonly Instruction star, int instruction, ref int position)
    {
        var low = position;
        while (true)
        {
            Steps++;
            var known = _memory.Recall(star.Memo, position);
            if (known == Outcome.Succeeded || known == Outcome.Failed && position == low) return known;
            if (known == Outcome.Failed)
            {
                position = _text.Before(position);
                break;
            }
            if (!_text.Starts(star.Set!, position, out var next)) break;
            position = next;
        }
        if (position > low) _choices.Push(new Choice { Instruction = instruction, Low = low, Position = position, High = position });
        return Outcome.Unknown;
    }

    /// <summary>The end of the run of values; the last long run is stored, since the next search may start inside it.</summary>
    private int EndOfRun(ref readonly Instruction star, int position)
    {
        if (_memory.RecallRun(star.Memo, position) is { } known) return known;
        var low = position;
        while (_text.Starts(star.Set!, position, out var next))
        {
            Steps++;
            position = next;
        }
        _memory.RememberRun(star.Memo, low, position);
        return position;
    }

    private bool Look(ref readonly Instruction look, int instruction, int position)
    {
        var known = _memory.Recall(look.Memo, position);
        if (known != Outcome.Unknown) return known == Outcome.Succeeded;
        var start = position;
        for (var i = 0; i < look.Length; i++)
        {
            if (start == 0) return false;
            start = _text.Before(start);
        }
        var found = Run(instruction + 1, start) != NoMatch;
        if (Remembers) _memory.Remember(look.Memo, position, position, found ? Outcome.Succeeded : Outcome.Failed);
        return found;
    }

    /// <summary>Stores successes: inside a lookaround only whether the body matches counts, not where it ends.</summary>
    private void RememberSuccess(int bottom)
    {
        foreach (ref readonly var choice in _choices.From(bottom))
        {
            ref readonly var chooser = ref _instructions[choice.Instruction];
            var first = chooser.Operation == Operation.Star ? choice.Low : choice.Position;
            _memory.Remember(chooser.Memo, first, choice.Position, Outcome.Succeeded);
        }
    }
}
