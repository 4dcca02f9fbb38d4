namespace LoraServe.Generation;

/// <summary>A prompt that the model can take.</summary>
/// <param name="Ids">At least one token id.</param>
/// <param name="Text">The text of the ids; null if ids were sent, or if they are only the end of the text.</param>
/// <param name="MaxTokens">Maximum tokens to generate.</param>
internal sealed record GenerationPrompt(IReadOnlyList<int> Ids, string? Text, int MaxTokens)
{
    /// <summary>Whether special tokens stay in the generated text, whatever the request says.</summary>
    public bool KeepsSpecialTokens { get; init; }
}
