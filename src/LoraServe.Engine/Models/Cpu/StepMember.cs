using LoraServe.Engine.Kernels;
using LoraServe.Engine.Kernels.Decoding;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>What one member of the team keeps for itself during a step.</summary>
internal sealed unsafe class StepMember : IDisposable
{
    /// <summary>Most queries of a key head that are attended together.</summary>
    public const int MostQueries = 16;

    private readonly AlignedMemory _memory;

    /// <param name="rowSize">Numbers of the longest row.</param>
    /// <param name="shape">Sizes of attention.</param>
    public StepMember(int rowSize, in AttentionShape shape)
    {
        var (queries, scores) = (MostQueries * shape.HeadDim, MostQueries * shape.PieceSize);
        var total = rowSize + (3 * queries) + scores;
        _memory = new AlignedMemory((long)total * sizeof(float));
        Row = _memory.Numbers;
        Queries = Row + rowSize;
        Scores = Queries + queries;
        for (var query = 0; query < MostQueries; query++)
        {
            Parts[query].Sum = Scores + scores + (query * shape.HeadDim);
            Wholes[query].Sum = Scores + scores + queries + (query * shape.HeadDim);
        }
    }

    /// <summary>The next part of the step.</summary>
    public int Part { get; set; }

    /// <summary>Products of the current part.</summary>
    public List<ProductJob> Jobs { get; } = new(16);

    /// <summary>A row before it is packed.</summary>
    public float* Row { get; }

    /// <summary>[<see cref="MostQueries"/>, headDim].</summary>
    public float* Queries { get; }

    /// <summary>[<see cref="MostQueries"/>, piece size].</summary>
    public float* Scores { get; }

    /// <summary>What each query sees.</summary>
    public QueryRange[] Ranges { get; } = GC.AllocateArray<QueryRange>(MostQueries, pinned: true);

    /// <summary>The results of one piece.</summary>
    public AttentionPart[] Parts { get; } = GC.AllocateArray<AttentionPart>(MostQueries, pinned: true);

    /// <summary>The results so far.</summary>
    public AttentionPart[] Wholes { get; } = GC.AllocateArray<AttentionPart>(MostQueries, pinned: true);

    /// <summary>Frees the memory.</summary>
    public void Dispose() => _memory.Dispose();
}
