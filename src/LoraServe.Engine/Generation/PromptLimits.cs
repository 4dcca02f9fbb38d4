using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;

namespace LoraServe.Engine.Generation;

/// <summary>What can be served at all. Any thread may ask.</summary>
/// <param name="model">Has the context and the vocabulary.</param>
/// <param name="scheduler">Has the KV cache, whose size never changes.</param>
internal sealed class PromptLimits(ModelInfo model, Scheduler scheduler)
{
    private readonly int _cachedTokens = scheduler.Blocks.Count * scheduler.Blocks.BlockSize;

    /// <inheritdoc cref="LlmEngine.RoomAfter"/>
    public int RoomAfter(int promptTokens) => Math.Max(1, Math.Min(model.MaxModelLen, _cachedTokens) - promptTokens);

    /// <inheritdoc cref="LlmEngine.CheckFits"/>
    public void CheckFits(int promptTokens, SamplingParams sampling)
    {
        var wanted = (long)promptTokens + sampling.MaxTokens;
        if (wanted > model.MaxModelLen)
        {
            throw new ContextLengthExceededException(
                $"This model's maximum context length is {model.MaxModelLen} tokens. However, you requested {wanted} tokens "
                + $"({promptTokens} in the prompt, {sampling.MaxTokens} for the completion). Please reduce the prompt or max_tokens.");
        }

        if (!scheduler.CanEverFit(promptTokens, sampling.MaxTokens))
        {
            throw new ContextLengthExceededException(
                $"The prompt of {promptTokens} tokens and its completion of at most {sampling.MaxTokens} do not fit into this server's KV "
                + $"cache of {_cachedTokens} tokens. Please reduce the prompt or max_tokens.");
        }
    }

    /// <summary>Throws if a prompt is empty, or has a token that the model does not know.</summary>
    public void CheckTokens(IReadOnlyList<int> prompt)
    {
        if (prompt.Count == 0) throw new ArgumentException("A prompt needs at least one token.", nameof(prompt));
        foreach (var token in prompt)
        {
            if (token < 0 || token >= model.VocabularySize)
                throw new ArgumentException($"Token id {token} is not in the vocabulary of {model.VocabularySize}.", nameof(prompt));
        }
    }
}
