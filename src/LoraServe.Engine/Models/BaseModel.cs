using LoraServe.Engine.Checkpoints;

namespace LoraServe.Engine.Models;

/// <summary>
/// The frozen decoder: embedding, layers, norm, output head, with a KV cache. Adapters act beside its modules and never on its weights.
/// </summary>
/// <param name="config">The shape of the model.</param>
/// <param name="weights">The frozen weights, the decoder's from now on.</param>
internal abstract class BaseModel(ModelConfig config, BaseWeights weights) : IDisposable
{
    /// <summary>The shape of the model.</summary>
    public ModelConfig Config { get; } = config;

    /// <summary>The frozen weights.</summary>
    public BaseWeights Weights { get; } = weights;

    /// <summary>What computes: to be told in a log line.</summary>
    public abstract string Description { get; }

    /// <summary>
    /// One forward pass up to the output head: stores keys and values of the batch's tokens, and keeps the last hidden states of
    /// <see cref="ForwardBatch.LogitTokens"/> until the next pass.
    /// </summary>
    public abstract void Forward(ForwardBatch batch);

    /// <summary>The logits of tokens of the last pass.</summary>
    /// <param name="first">Index of the first among <see cref="ForwardBatch.LogitTokens"/>.</param>
    /// <param name="logits">[tokens to take, vocabulary], written to.</param>
    public abstract void Logits(int first, Span<float> logits);

    /// <summary>Frees everything, weights and KV cache included.</summary>
    public virtual void Dispose() => Weights.Dispose();
}
