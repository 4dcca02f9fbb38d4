namespace LoraServe.Engine.Kernels.Decoding;

/// <summary>What expanding a low-rank update reads.</summary>
internal readonly unsafe struct LowRankOperands
{
    /// <summary>B transposed, [rank, outputs], which carries the scaling.</summary>
    public required void* TransposedB { get; init; }

    /// <summary>Columns of A x; may be 0.</summary>
    public required int Rank { get; init; }

    /// <summary>Rows of B.</summary>
    public required int Outputs { get; init; }

    /// <summary>[outputs], or null for 1.</summary>
    public void* Scale { get; init; }

    /// <summary>[outputs], or null for 0.</summary>
    public void* Shift { get; init; }
}
