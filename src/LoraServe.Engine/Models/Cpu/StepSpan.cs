namespace LoraServe.Engine.Models.Cpu;

/// <summary>Adjacent new tokens of one sequence in a step.</summary>
/// <param name="Start">The row of the first of them.</param>
/// <param name="Count">How many.</param>
/// <param name="Context">Tokens of the sequence up to the last of them.</param>
/// <param name="Blocks">Where the sequence's blocks begin among those of the step.</param>
internal readonly record struct StepSpan(int Start, int Count, int Context, int Blocks)
{
    /// <summary>The position of the first new token in its sequence.</summary>
    public int Position => Context - Count;
}

/// <summary>Rows [Start, Start + Count) of a step on one adapter.</summary>
internal readonly record struct StepSegment(int Start, int Count, CpuAdapter Adapter);
