using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>How an adapter changes the token embedding.</summary>
internal abstract record EmbeddingUpdate
{
    /// <summary>All of its tensors, in the compute dtype and contiguous; token ids are int64.</summary>
    public abstract IEnumerable<Tensor> Tensors { get; }
}

/// <summary>
/// LoRA on the embedding as a linear module of one-hot tokens: e' = scale * E[token] + B A[:, token], where scale acts
/// elementwise.
/// </summary>
/// <param name="A">[r, vocabulary].</param>
/// <param name="B">[hidden, r]; carries the scaling, and DoRA's g as in <see cref="LowRankUpdate"/>.</param>
/// <param name="Scale">[hidden], or null for 1.</param>
internal sealed record LowRankEmbedding(Tensor A, Tensor B, Tensor? Scale = null) : EmbeddingUpdate
{
    public override IEnumerable<Tensor> Tensors => Scale is null ? [A, B] : [A, B, Scale];
}

/// <summary>Rows of trained tokens, which replace those of the base.</summary>
/// <param name="TokenIds">[tokens], int64, each once.</param>
/// <param name="Rows">[tokens, hidden].</param>
internal sealed record ReplacedRows(Tensor TokenIds, Tensor Rows) : EmbeddingUpdate
{
    public override IEnumerable<Tensor> Tensors => [TokenIds, Rows];
}

/// <summary>An embedding that was saved whole.</summary>
/// <param name="Weight">[vocabulary, hidden].</param>
internal sealed record ReplacedEmbedding(Tensor Weight) : EmbeddingUpdate
{
    public override IEnumerable<Tensor> Tensors => [Weight];
}
