namespace LoraServe.Engine.Kernels.Decoding;

/// <summary>The queries of one key head over one piece of a context.</summary>
internal readonly unsafe struct AttentionPiece
{
    /// <summary>[count, headDim], rotated and scaled.</summary>
    public required float* Queries { get; init; }

    /// <summary>Queries.</summary>
    public required int Count { get; init; }

    /// <summary>For each query, the first position that it sees and the one after the last, of the whole context.</summary>
    public required QueryRange* Ranges { get; init; }

    /// <summary>The context's blocks.</summary>
    public required int* Blocks { get; init; }

    /// <summary>This head's keys in block 0 of the cache.</summary>
    public required void* Keys { get; init; }

    /// <summary>This head's values in block 0 of the cache.</summary>
    public required void* Values { get; init; }

    /// <summary>The piece's first position, at the start of a block.</summary>
    public required int Start { get; init; }

    /// <summary>Room for [count, piece size].</summary>
    public required float* Scores { get; init; }

    /// <summary>A result for each query, one after the other.</summary>
    public required AttentionPart* Parts { get; init; }
}

/// <summary>The positions [Start, End) that a query sees.</summary>
internal readonly record struct QueryRange(int Start, int End);

/// <summary>Softmax attention of a query over a part of its context, before the division: two of them can be joined.</summary>
internal unsafe struct AttentionPart
{
    /// <summary>The largest score; -infinity where the query sees nothing of the part.</summary>
    public float Largest;

    /// <summary>The sum of exp(score - largest).</summary>
    public float Weight;

    /// <summary>The sum of exp(score - largest) * value, [headDim].</summary>
    public float* Sum;
}
