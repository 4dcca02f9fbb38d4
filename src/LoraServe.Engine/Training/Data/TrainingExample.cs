namespace LoraServe.Engine.Training.Data;

/// <summary>One example as tokens.</summary>
/// <param name="Line">Its line in the file, from 1.</param>
/// <param name="Tokens">Prompt and completion.</param>
/// <param name="IsTarget">For each token, whether it is a target. The first never is.</param>
public sealed record TrainingExample(int Line, IReadOnlyList<int> Tokens, IReadOnlyList<bool> IsTarget)
{
    /// <summary>The prompt when the completion is generated: the tokens before the last run of targets.</summary>
    public required IReadOnlyList<int> Prompt { get; init; }

    /// <summary>The expected text after <see cref="Prompt"/>, without the end token.</summary>
    public required string Completion { get; init; }
}
