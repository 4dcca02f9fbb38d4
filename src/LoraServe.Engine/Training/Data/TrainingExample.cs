namespace LoraServe.Engine.Training.Data;

/// <summary>One example as tokens.</summary>
/// <param name="Line">Its line in the file, from 1.</param>
/// <param name="Tokens">Prompt and completion.</param>
/// <param name="IsTarget">For each token, whether the model is trained to say it. The first never is.</param>
public sealed record TrainingExample(int Line, IReadOnlyList<int> Tokens, IReadOnlyList<bool> IsTarget)
{
    /// <summary>The tokens that are given when the completion is generated: those before the last run of targets.</summary>
    public required IReadOnlyList<int> Prompt { get; init; }

    /// <summary>The text that is expected after <see cref="Prompt"/>, without the token that ends it.</summary>
    public required string Completion { get; init; }
}
