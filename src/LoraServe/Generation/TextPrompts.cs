using LoraServe.Engine.Adapters.Residency;

namespace LoraServe.Generation;

/// <summary>Prompts that are the same for every adapter: texts or token ids, encoded once.</summary>
/// <param name="encoder">Encodes them.</param>
/// <param name="inputs">As they were sent.</param>
/// <param name="parameters">The request.</param>
/// <param name="addSpecialTokens">Whether the tokenizer's own special tokens are added to texts.</param>
internal sealed class TextPrompts(
    PromptEncoder encoder, IReadOnlyList<PromptInput> inputs, GenerationParameters parameters, bool addSpecialTokens) : IPromptSource
{
    private IReadOnlyList<GenerationPrompt>? _encoded;

    public int Count => inputs.Count;

    public Task<IReadOnlyList<GenerationPrompt>> EncodeAsync(Task<AdapterLease> adapter, CancellationToken cancellationToken) =>
        Task.FromResult(_encoded ??= encoder.Encode(inputs, parameters, addSpecialTokens, "prompt", cancellationToken));
}
