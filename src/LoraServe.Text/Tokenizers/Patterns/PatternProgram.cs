using static LoraServe.Text.Tokenizers.Patterns.PatternNode;

namespace LoraServe.Text.Tokenizers.Patterns;

internal enum Operation
{
    /// <summary>Match one value of the set.</summary>
    One,

    /// <summary>Skip one value of the set if there is one.</summary>
    Maybe,

    /// <summary>Match as many values of the set as possible, giving back one at a time.</summary>
    Star,

    /// <summary>Match as many values of the set as possible, giving back none.</summary>
    PossessiveStar,

    /// <summary>Try First; if the rest then fails, Second.</summary>
    Split,

    /// <summary>Continue at First.</summary>
    Jump,

    /// <summary>Try the body, from the next instruction to its Match, Length values back; continue at First.</summary>
    Look,

    Assert,

    Match,
}

/// <param name="Operation">the operation code</param>
/// <param name="Set">the values of One, Maybe and the stars; of a Split, the values that First can begin with, null if unknown</param>
/// <param name="First">the instruction to continue at</param>
/// <param name="Second">the instruction to continue at if First fails</param>
/// <param name="Length">of a Look, how many values before the position its body starts</param>
/// <param name="Negative">of a Look, whether its body has to fail</param>
/// <param name="Assertion">what an Assert asserts</param>
/// <param name="Memo">the number of the instruction among those with memoized outcomes</param>
internal readonly record struct Instruction(Operation Operation, RuneSet? Set = null, int First = 0, int Second = 0,
    int Length = 0, bool Negative = false, Assertion Assertion = default, int Memo = 0);

/// <summary>A pattern compiled to instructions for <see cref="PatternMatcher"/>.</summary>
internal sealed class PatternProgram
{
    private const int MaxInstructions = 10_000;

    private readonly List<Instruction> _instructions = [];
    private int _memos;

    public PatternProgram(PatternNode node)
    {
        Emit(node);
        Add(new(Operation.Match));
        for (var i = 0; i < _instructions.Count; i++)
        {
            var first = _instructions[_instructions[i].First];
            if (_instructions[i].Operation == Operation.Split && first.Operation == Operation.One)
                _instructions[i] = _instructions[i] with { Set = first.Set };
        }
        Instructions = [.. _instructions];
    }

    public Instruction[] Instructions { get; }

    public int MemoCount => _memos;

    private void Emit(PatternNode node)
    {
        switch (node)
        {
            case One one: Add(new(Operation.One, one.Set)); break;
            case Sequence sequence: foreach (var item in sequence.Items) Emit(item); break;
            case Alternation alternation: EmitAlternation(alternation); break;
            case Repeat repeat: EmitRepeat(repeat); break;
            case Look look: EmitLook(look); break;
            case Assert assert: Add(new(Operation.Assert, Assertion: assert.Assertion)); break;
        }
    }

    private void EmitAlternation(Alternation alternation)
    {
        var jumps = new List<int>();
        foreach (var item in alternation.Items.SkipLast(1))
        {
            var split = AddSplit();
            Emit(item);
            jumps.Add(Add(new(Operation.Jump)));
            Patch(split, split + 1, _instructions.Count);
        }
        Emit(alternation.Items[^1]);
        foreach (var jump in jumps) Patch(jump, _instructions.Count, 0);
    }

    private void EmitRepeat(Repeat repeat)
    {
        for (var i = 0; i < repeat.Min; i++) Emit(repeat.Body);
        if (repeat.Max is { } max) EmitOptional(repeat, max - repeat.Min);
        else if (repeat.Body is One one && repeat.Greed != Greed.Lazy) EmitStar(one, repeat.Greed);
        else EmitLoop(repeat);
    }

    private void EmitOptional(Repeat repeat, int count)
    {
        if (repeat is { Greed: Greed.Possessive, Body: One one } && count > 0)
        {
            Add(new(Operation.Maybe, one.Set));
            return;
        }
        var splits = new List<int>();
        for (var i = 0; i < count; i++)
        {
            splits.Add(AddSplit());
            Emit(repeat.Body);
        }
        foreach (var split in splits) PatchByGreed(split, repeat.Greed, split + 1, _instructions.Count);
    }

    private void EmitStar(One one, Greed greed) =>
        Add(new(greed == Greed.Possessive ? Operation.PossessiveStar : Operation.Star, one.Set, Memo: _memos++));

    private void EmitLoop(Repeat repeat)
    {
        var split = AddSplit();
        Emit(repeat.Body);
        Add(new(Operation.Jump, First: split));
        PatchByGreed(split, repeat.Greed, split + 1, _instructions.Count);
    }

    private void EmitLook(Look look)
    {
        var start = Add(new(Operation.Look, Length: look.Behind ? look.Body.Length!.Value : 0, Negative: look.Negative, Memo: _memos++));
        Emit(look.Body);
        Add(new(Operation.Match));
        Patch(start, _instructions.Count, 0);
    }

    private int AddSplit() => Add(new(Operation.Split, Memo: _memos++));

    private int Add(Instruction instruction)
    {
        if (_instructions.Count == MaxInstructions)
            throw new FormatException("the regular expression is too large once its repetitions are counted out");
        _instructions.Add(instruction);
        return _instructions.Count - 1;
    }

    private void PatchByGreed(int split, Greed greed, int body, int exit)
    {
        if (greed == Greed.Lazy) Patch(split, exit, body);
        else Patch(split, body, exit);
    }

    private void Patch(int index, int first, int second) =>
        _instructions[index] = _instructions[index] with { First = first, Second = second };
}
