using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>The last norm and the output head: from the residual stream of some of a step's tokens to their logits.</summary>
/// <param name="parts">What passes share.</param>
internal sealed unsafe class HeadPass(StepParts parts) : StepPass(parts, Parts)
{
    // The norm, the product, and B of an update.
    private const int Parts = 3;

    private IReadOnlyList<int> _tokens = [];
    private int _first;
    private int _count;
    private float* _logits;

    public override int Rows => _count;

    /// <summary>Computes logits.</summary>
    /// <param name="tokens">Rows of the step.</param>
    /// <param name="first">The first of them to take.</param>
    /// <param name="logits">[rows to take, vocabulary], written to.</param>
    /// <param name="lora">The adapters of the rows to take.</param>
    /// <param name="prepare">Gives an adapter where it lies in memory.</param>
    public void Run(IReadOnlyList<int> tokens, int first, Span<float> logits, LoraBatch lora, Func<LoraAdapter, CpuAdapter> prepare)
    {
        (_tokens, _first, _count) = (tokens, first, logits.Length / Config.VocabularySize);
        SetSegments(lora, prepare);
        fixed (float* target = logits)
        {
            _logits = target;
            Run();
            _logits = null;
        }
    }

    protected override void Run(StepMember member)
    {
        while (TryTake(member, Rows, 1, out var from, out var to))
        {
            for (; from < to; from++) Normalize(from, member.Row);
        }

        Meet(member);
        new LinearPhase(Modules.Head, this, member).Run(_logits, Config.VocabularySize);
    }

    private void Normalize(int index, float* row)
    {
        var hidden = Config.HiddenSize;
        var start = (long)_tokens[_first + index] * hidden;
        new ReadOnlySpan<float>(Buffers.Residual + start, hidden).CopyTo(new Span<float>(row, hidden));
        Kernels.Add(Buffers.Output + start, row, hidden);
        Kernels.RmsNorm(row, (void*)WeightOf(Modules.FinalNorm, index), row, hidden, (float)Config.RmsNormEpsilon);
        Pack(row, index, Modules.Head[0]);
    }
}
