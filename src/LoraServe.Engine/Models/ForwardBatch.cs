using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>The input of one forward pass: the new tokens of all sequences, one after the other, without padding.</summary>
/// <param name="TokenIds">[tokens], int64</param>
/// <param name="Positions">[tokens], int64: each token's position in its own sequence.</param>
/// <param name="KvPositions">[tokens], int64: the position of each token's keys and values in the KV cache.</param>
/// <param name="Spans">The tokens of each sequence and what they attend to.</param>
/// <param name="Lora">The adapters of the tokens.</param>
/// <param name="LogitTokens">Indices of the tokens whose logits are wanted, ascending.</param>
internal sealed record ForwardBatch(
    Tensor TokenIds, Tensor Positions, Tensor KvPositions, IReadOnlyList<AttentionSpan> Spans, LoraBatch Lora, IReadOnlyList<int> LogitTokens);

/// <summary>Adjacent new tokens of one sequence.</summary>
/// <param name="Start">Index of the first of them in the batch.</param>
/// <param name="Count">How many new tokens.</param>
/// <param name="ContextKvPositions">[context], int64: positions in the KV cache of the sequence's tokens from the first to the last new one.</param>
internal sealed record AttentionSpan(int Start, int Count, Tensor ContextKvPositions)
{
    /// <summary>Tokens of the sequence up to the last new one.</summary>
    public int Context => (int)ContextKvPositions.size(0);
}
