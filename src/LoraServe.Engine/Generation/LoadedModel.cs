using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using LoraServe.Text.Templates;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Engine.Generation;

/// <summary>A base model in memory, with its text.</summary>
/// <param name="Model">Its tensors belong to the engine's thread, once there is one.</param>
/// <param name="Info">What clients may know of it.</param>
/// <param name="Tokenizer">Its tokenizer.</param>
/// <param name="Templates">Its chat templates.</param>
/// <param name="KvTokens">Tokens of its KV cache.</param>
internal sealed record LoadedModel(BaseModel Model, ModelInfo Info, Tokenizer Tokenizer, ChatTemplates Templates, int KvTokens)
{
    /// <summary>
    /// Tokens that end a sequence: those of generation_config.json, else of config.json, and the eos_token of tokenizer_config.json, as in
    /// vLLM. Training ends texts with the first.
    /// </summary>
    public IReadOnlyList<int> EndTokens { get; } = EndTokensOf(Model.Config, Tokenizer, Templates);

    private static IReadOnlyList<int> EndTokensOf(ModelConfig config, Tokenizer tokenizer, ChatTemplates templates) =>
        templates.SpecialTokens.TryGetValue("eos_token", out var eos) && tokenizer.TokenId(eos.GetString()!) is { } id
        && !config.EosTokenIds.Contains(id) && id < config.VocabularySize
            ? [.. config.EosTokenIds, id]
            : config.EosTokenIds;
}
