namespace LoraServe.Generation;

/// <summary>A prompt that the model can take.</summary>
/// <param name="Ids">At least one token id.</param>
/// <param name="Text">What the ids are of; null when ids were sent, or when they are only the end of the text.</param>
/// <param name="MaxTokens">Most tokens to generate after it.</param>
internal sealed record GenerationPrompt(IReadOnlyList<int> Ids, string? Text, int MaxTokens)
{
    /// <summary>Whether special tokens stay in the text that is generated after it, whatever the request says.</summary>
    public bool KeepsSpecialTokens { get; init; }
}
