using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Kernels.Decoding;
using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>
/// Work of a step that all members of the team carry out together: each runs through the same parts, takes its share of each, and meets the others
/// before the next.
/// </summary>
/// <param name="parts">What passes share.</param>
/// <param name="count">Most parts of the work.</param>
internal abstract unsafe class StepPass(StepParts parts, int count) : ITeamWork
{
    private readonly WorkShares _shares = new(count);
    private readonly List<StepSegment> _segments = [];

    /// <summary>The shape of the model.</summary>
    public ModelConfig Config => parts.Config;

    /// <summary>Its modules.</summary>
    public CpuModules Modules => parts.Modules;

    /// <summary>The arithmetic.</summary>
    public DecoderKernels Kernels => parts.Kernels;

    /// <summary>Memory between the parts.</summary>
    public StepBuffers Buffers => parts.Buffers;

    /// <summary>Rows of the step.</summary>
    public abstract int Rows { get; }

    /// <summary>The rows of each adapter.</summary>
    public List<StepSegment> Segments => _segments;

    void ITeamWork.Run(int member) => Run(parts.Members[member]);

    /// <summary>The weight of a norm for a row: the adapter's, or the base's.</summary>
    public nint WeightOf(CpuNorm norm, int row)
    {
        foreach (var segment in _segments)
            if (row >= segment.Start && row < segment.Start + segment.Count && segment.Adapter.Norms[norm.Index] is not 0 and var own) return own;
        return norm.Weight;
    }

    /// <summary>Packs a row of numbers, which may be changed, as the input of a linear module.</summary>
    public void Pack(float* row, int index, CpuLinear linear) =>
        linear.Product.Pack(row, Buffers.Packed + (index * linear.Product.PackedBytes(linear.Inputs)), linear.Inputs);

    /// <summary>Takes a share of a member's current part.</summary>
    public bool TryTake(StepMember member, int total, int least, out int from, out int to) =>
        _shares.TryTake(member.Part, total, least, parts.Team.Size, out from, out to);

    /// <summary>Ends a member's current part, and waits for the others.</summary>
    public void Meet(StepMember member)
    {
        member.Part++;
        parts.Team.Meet();
    }

    /// <summary>The parts for one member, in order.</summary>
    protected abstract void Run(StepMember member);

    /// <summary>Carries it out.</summary>
    protected void Run()
    {
        _shares.Reset();
        foreach (var member in parts.Members) member.Part = 0;
        parts.Team.Run(this);
    }

    /// <summary>Takes over which adapter acts on which rows; returns their highest rank.</summary>
    protected int SetSegments(LoraBatch lora, Func<LoraAdapter, CpuAdapter> prepare)
    {
        _segments.Clear();
        var ranks = 0;
        for (var i = 0; i < lora.Segments.Count; i++)
        {
            var segment = lora.Segments[i];
            var adapter = prepare(segment.Adapter);
            _segments.Add(new StepSegment(segment.Start, segment.Count, adapter));
            ranks = Math.Max(ranks, adapter.MostRank);
        }

        return ranks;
    }
}
