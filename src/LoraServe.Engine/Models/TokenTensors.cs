using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>A <see cref="ForwardBatch"/> as tensors on the model's device, in the current dispose scope.</summary>
internal sealed class TokenTensors
{
    /// <param name="batch">The tokens.</param>
    /// <param name="device">The model's.</param>
    public TokenTensors(ForwardBatch batch, Device device)
    {
        Lora = batch.Lora;
        Spans = [.. batch.Spans.Select(span => new SpanTensors(span.Start, span.Count, tensor(Places(span, 0, batch.BlockSize), device: device)))];
        TokenIds = tensor(batch.TokenIds.Select(id => (long)id).ToArray(), device: device);
        Positions = tensor(batch.Positions.Select(position => (long)position).ToArray(), device: device);
        KvPositions = tensor(batch.Spans.SelectMany(span => Places(span, span.Context - span.Count, batch.BlockSize)).ToArray(), device: device);
    }

    /// <summary>[tokens], int64</summary>
    public Tensor TokenIds { get; }

    /// <summary>[tokens], int64: each token's position in its own sequence.</summary>
    public Tensor Positions { get; }

    /// <summary>[tokens], int64: the position of each token's keys and values in the KV cache.</summary>
    public Tensor KvPositions { get; }

    /// <summary>The tokens of each sequence and what they attend to.</summary>
    public IReadOnlyList<SpanTensors> Spans { get; }

    /// <summary>The adapters of the tokens.</summary>
    public LoraBatch Lora { get; }

    // Positions in the KV cache of a sequence's tokens, up to the last new one.
    private static long[] Places(AttentionSpan span, int from, int blockSize)
    {
        var places = new long[span.Context - from];
        for (var i = 0; i < places.Length; i++) places[i] = span.PlaceOf(from + i, blockSize);
        return places;
    }
}

/// <summary>Adjacent new tokens of one sequence.</summary>
/// <param name="Start">Index of the first of them in the batch.</param>
/// <param name="Count">How many new tokens.</param>
/// <param name="ContextKvPositions">[context], int64: positions in the KV cache of the sequence's tokens from the first to the last new one.</param>
internal sealed record SpanTensors(int Start, int Count, Tensor ContextKvPositions)
{
    /// <summary>Tokens of the sequence up to the last new one.</summary>
    public int Context => (int)ContextKvPositions.size(0);
}
