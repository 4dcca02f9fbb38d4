namespace LoraServe.Engine.Lora;

/// <summary>Tokens whose rows were trained in the weight of an embedding or an output head, PEFT's trainable_token_indices.</summary>
/// <param name="Module">The module's path or the end of it.</param>
/// <param name="Ids">The tokens in the order of their rows in the file.</param>
internal sealed record TrainableTokens(string Module, IReadOnlyList<int> Ids)
{
    /// <summary>The module used for tokens listed without one.</summary>
    public const string Embedding = "embed_tokens";
}
