using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Models;

/// <summary>
/// The input of one forward pass: the new tokens of all sequences, one after the other, without padding. Filled anew for each pass.
/// </summary>
/// <param name="blockSize">Tokens of a KV block.</param>
internal sealed class ForwardBatch(int blockSize)
{
    /// <summary>Tokens of a KV block.</summary>
    public int BlockSize => blockSize;

    /// <summary>The new tokens.</summary>
    public List<int> TokenIds { get; } = [];

    /// <summary>Each token's position in its own sequence.</summary>
    public List<int> Positions { get; } = [];

    /// <summary>The tokens of each sequence and what they attend to.</summary>
    public List<AttentionSpan> Spans { get; } = [];

    /// <summary>The adapters of the tokens.</summary>
    public LoraBatch Lora { get; } = new();

    /// <summary>Indices of the tokens whose logits are wanted, ascending.</summary>
    public List<int> LogitTokens { get; } = [];

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        TokenIds.Clear();
        Positions.Clear();
        Spans.Clear();
        Lora.Clear();
        LogitTokens.Clear();
    }
}

/// <summary>Adjacent new tokens of one sequence.</summary>
/// <param name="Start">Index of the first of them in the batch.</param>
/// <param name="Count">How many new tokens.</param>
/// <param name="Context">Tokens of the sequence up to the last new one.</param>
/// <param name="Blocks">The sequence's KV blocks in order of position.</param>
internal readonly record struct AttentionSpan(int Start, int Count, int Context, IReadOnlyList<int> Blocks)
{
    /// <summary>The position in the KV cache of a token of the sequence.</summary>
    public long PlaceOf(int position, int blockSize) => ((long)Blocks[position / blockSize] * blockSize) + (position % blockSize);
}
