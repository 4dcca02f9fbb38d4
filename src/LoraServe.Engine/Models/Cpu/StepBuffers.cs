using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Kernels;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>
/// The memory of a step between its parts, for as many tokens as any step has had: once that is reached, steps allocate nothing.
/// </summary>
internal sealed unsafe class StepBuffers : IDisposable
{
    private readonly ModelConfig _config;
    private readonly long _packedBytes;
    private readonly AlignedMemory _residual = new();
    private readonly AlignedMemory _packed = new();
    private readonly AlignedMemory _inner = new();
    private readonly AlignedMemory _output = new();
    private readonly AlignedMemory _shrunk = new();
    private readonly AlignedMemory _parts = new();

    /// <param name="config">The shape of the model.</param>
    /// <param name="packedBytes">Bytes of the longest packed row.</param>
    public StepBuffers(ModelConfig config, long packedBytes)
    {
        (_config, _packedBytes) = (config, packedBytes);
        AttentionWidth = (config.HeadCount + (2 * config.KvHeadCount)) * config.HeadDim;
        MlpWidth = 2 * config.IntermediateSize;
    }

    /// <summary>Numbers of a row of <see cref="Inner"/> in attention: queries, keys, values.</summary>
    public int AttentionWidth { get; }

    /// <summary>Numbers of a row of <see cref="Inner"/> in the MLP: gate, up.</summary>
    public int MlpWidth { get; }

    /// <summary>The residual stream [tokens, hidden].</summary>
    public float* Residual => _residual.Numbers;

    /// <summary>Rows as products read them [tokens, packed].</summary>
    public byte* Packed => _packed.Address;

    /// <summary>What products write between them [tokens, attention or MLP width].</summary>
    public float* Inner => _inner.Numbers;

    /// <summary>What the last product of attention or the MLP writes [tokens, hidden].</summary>
    public float* Output => _output.Numbers;

    /// <summary>A x of the linear modules that share an input [tokens, <see cref="LinearPhase.Most"/>, ranks].</summary>
    public float* Shrunk => _shrunk.Numbers;

    /// <summary>Results of pieces of attention, joined later; see <see cref="AttentionPhase"/>.</summary>
    public float* Parts => _parts.Numbers;

    /// <summary>Numbers in a row of <see cref="Shrunk"/> for one module.</summary>
    public int Ranks { get; private set; }

    /// <summary>Makes room; contents are lost.</summary>
    /// <param name="tokens">Of the step.</param>
    /// <param name="ranks">The highest rank.</param>
    /// <param name="parts">Numbers of <see cref="Parts"/>.</param>
    public void Reserve(int tokens, int ranks, long parts)
    {
        Ranks = Math.Max(Ranks, ranks);
        _residual.ReserveNumbers((long)tokens * _config.HiddenSize);
        _packed.Reserve(tokens * _packedBytes);
        _inner.ReserveNumbers((long)tokens * Math.Max(AttentionWidth, MlpWidth));
        _output.ReserveNumbers((long)tokens * _config.HiddenSize);
        _shrunk.ReserveNumbers((long)tokens * LinearPhase.Most * Ranks);
        _parts.ReserveNumbers(parts);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var memory in new[] { _residual, _packed, _inner, _output, _shrunk, _parts }) memory.Dispose();
    }
}
