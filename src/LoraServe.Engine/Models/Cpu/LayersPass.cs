using System.Runtime.InteropServices;
using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>The embedding and the layers: stores keys and values of a step's tokens, and leaves their residual stream.</summary>
internal sealed unsafe class LayersPass : StepPass
{
    private readonly RotaryTable _rotary;
    private readonly AttentionPhase _attention;
    private readonly List<StepSpan> _spans = [];
    private readonly List<int> _blocks = [];
    private readonly List<long> _places = [];
    private ForwardBatch _batch = null!;

    /// <param name="parts">What passes share.</param>
    /// <param name="cache">Keys and values.</param>
    /// <param name="rotary">Rotations.</param>
    public LayersPass(StepParts parts, PagedKvCache cache, RotaryTable rotary) : base(parts, PartsOf(parts.Config.LayerCount))
    {
        (Cache, _rotary) = (cache, rotary);
        _attention = new AttentionPhase(this);
    }

    /// <summary>Keys and values.</summary>
    public PagedKvCache Cache { get; }

    public override int Rows => _batch.TokenIds.Count;

    /// <summary>The rows of each sequence.</summary>
    public List<StepSpan> Spans => _spans;

    /// <summary>The blocks of all spans, one after the other; pinned during the step.</summary>
    public int* Blocks { get; private set; }

    /// <summary>Computes the step: keys and values of its tokens are stored, and the residual stream is complete.</summary>
    public void Run(ForwardBatch batch, Func<LoraAdapter, CpuAdapter> prepare)
    {
        _batch = batch;
        Plan(prepare);
        fixed (int* blocks = CollectionsMarshal.AsSpan(_blocks))
        {
            Blocks = blocks;
            Run();
            Blocks = null;
        }
    }

    protected override void Run(StepMember member)
    {
        Embed(member);
        for (var i = 0; i < Modules.Layers.Length; i++)
        {
            var layer = Modules.Layers[i];
            Normalize(layer.InputNorm, layer.Attention[0], isFirst: i == 0, member);
            new LinearPhase(layer.Attention, this, member).Run(Buffers.Inner, Buffers.AttentionWidth);
            RotateAndStore(i, member);
            _attention.Run(i, member);
            new LinearPhase(layer.AttentionOutput, this, member).Run(Buffers.Output, Config.HiddenSize);
            Normalize(layer.PostAttentionNorm, layer.GateUp[0], isFirst: false, member);
            new LinearPhase(layer.GateUp, this, member).Run(Buffers.Inner, Buffers.MlpWidth);
            Gate(layer.Down[0], member);
            new LinearPhase(layer.Down, this, member).Run(Buffers.Output, Config.HiddenSize);
        }
    }

    // Embedding; of each layer two norms, four products with a part for B each, rotation, two parts of attention, and the gate.
    private static int PartsOf(int layers) => 1 + (layers * 14);

    private void Plan(Func<LoraAdapter, CpuAdapter> prepare)
    {
        _spans.Clear();
        _blocks.Clear();
        _places.Clear();
        foreach (var span in _batch.Spans)
        {
            _spans.Add(new StepSpan(span.Start, span.Count, span.Context, _blocks.Count));
            var count = (span.Context + Cache.Shape.BlockSize - 1) / Cache.Shape.BlockSize;
            for (var i = 0; i < count; i++) _blocks.Add(span.Blocks[i]);
            for (var position = span.Context - span.Count; position < span.Context; position++) _places.Add(span.PlaceOf(position, _batch.BlockSize));
        }

        var ranks = SetSegments(_batch.Lora, prepare);
        _attention.Plan();
        Buffers.Reserve(Rows, ranks, _attention.PartsLength);
    }

    private void Embed(StepMember member)
    {
        var hidden = Config.HiddenSize;
        while (TryTake(member, Rows, 1, out var from, out var to))
        {
            for (; from < to; from++)
            {
                var token = _batch.TokenIds[from];
                var row = Buffers.Residual + ((long)from * hidden);
                Kernels.Widen((byte*)Modules.Embedding + ((long)token * hidden * Kernels.ElementBytes), row, hidden);
                foreach (var segment in Segments)
                {
                    if (from >= segment.Start && from < segment.Start + segment.Count)
                        segment.Adapter.Embedding?.Apply(token, row, Buffers.Shrunk + ((long)from * LinearPhase.Most * Buffers.Ranks), hidden, Kernels);
                }
            }
        }

        Meet(member);
    }

    // Adds what the last products gave to the residual stream, and packs the norm of it for the next.
    private void Normalize(CpuNorm norm, CpuLinear next, bool isFirst, StepMember member)
    {
        var hidden = Config.HiddenSize;
        while (TryTake(member, Rows, 1, out var from, out var to))
        {
            for (; from < to; from++)
            {
                var row = Buffers.Residual + ((long)from * hidden);
                if (!isFirst) Kernels.Add(Buffers.Output + ((long)from * hidden), row, hidden);
                Kernels.RmsNorm(row, (void*)WeightOf(norm, from), member.Row, hidden, (float)Config.RmsNormEpsilon);
                Pack(member.Row, from, next);
            }
        }

        Meet(member);
    }

    private void RotateAndStore(int index, StepMember member)
    {
        while (TryTake(member, Rows, 1, out var from, out var to))
        {
            for (; from < to; from++) RotateAndStoreRow(index, from);
        }

        Meet(member);
    }

    private void RotateAndStoreRow(int index, int row)
    {
        var (layer, headDim, queries) = (Modules.Layers[index], Config.HeadDim, Config.HeadCount);
        var values = Buffers.Inner + ((long)row * Buffers.AttentionWidth);
        var position = _batch.Positions[row];
        float* cosine = _rotary.Cosine(position), sine = _rotary.Sine(position);
        var scale = 1 / MathF.Sqrt(headDim);
        for (var head = 0; head < queries; head++)
        {
            var query = values + (head * headDim);
            if (layer.QueryNorm is { } norm) Kernels.RmsNorm(query, (void*)WeightOf(norm, row), query, headDim, (float)Config.RmsNormEpsilon);
            Kernels.Rotate(query, cosine, sine, headDim / 2, scale);
        }

        var (block, slot) = Math.DivRem(_places[row], Cache.Shape.BlockSize);
        for (var head = 0; head < Config.KvHeadCount; head++)
        {
            var key = values + ((queries + head) * headDim);
            if (layer.KeyNorm is { } norm) Kernels.RmsNorm(key, (void*)WeightOf(norm, row), key, headDim, (float)Config.RmsNormEpsilon);
            Kernels.Rotate(key, cosine, sine, headDim / 2, 1);
            var offset = block * Cache.Shape.BlockStride * Kernels.ElementBytes;
            Kernels.Store(
                key, key + (Config.KvHeadCount * headDim), Cache.Keys(index, head) + offset, Cache.Values(index, head) + offset, (int)slot, Cache.Shape);
        }
    }

    private void Gate(CpuLinear next, StepMember member)
    {
        while (TryTake(member, Rows, 1, out var from, out var to))
        {
            for (; from < to; from++)
            {
                var gate = Buffers.Inner + ((long)from * Buffers.MlpWidth);
                Kernels.Gate(gate, gate + Config.IntermediateSize, Config.IntermediateSize);
                Pack(gate, from, next);
            }
        }

        Meet(member);
    }
}
