using System.Runtime.InteropServices;
using LoraServe.Engine.Kernels.Decoding;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>How an adapter changes the token embedding, where its tensors lie in memory.</summary>
internal sealed unsafe class CpuEmbedding : IDisposable
{
    private readonly nint _rows;
    private readonly Dictionary<int, int>? _rowOf;
    private readonly nint _a;
    private readonly long _vocabulary;
    private readonly LowRankOperands _expansion;
    private readonly Tensor? _transposedB;

    /// <param name="update">In the compute dtype, on the CPU.</param>
    /// <param name="modules">The model's.</param>
    /// <exception cref="ArgumentException">A tensor is not of the shape or dtype that the embedding needs.</exception>
    public CpuEmbedding(EmbeddingUpdate update, CpuModules modules)
    {
        var (vocabulary, hidden) = (modules.Head[0].Outputs, modules.Head[0].Inputs);
        switch (update)
        {
            case ReplacedEmbedding replaced:
                _rows = modules.Address(replaced.Weight, vocabulary, hidden);
                break;
            case ReplacedRows replaced:
                _rows = modules.Address(replaced.Rows, replaced.TokenIds.size(0), hidden);
                _rowOf = [];
                foreach (var id in MemoryMarshal.Cast<byte, long>(replaced.TokenIds.bytes)) _rowOf.Add((int)id, _rowOf.Count);
                break;
            case LowRankEmbedding lora:
                var rank = (int)lora.A.size(0);
                (_a, _vocabulary) = (modules.Address(lora.A, rank, vocabulary), vocabulary);
                _transposedB = CpuAdapter.Transposed(lora.B);
                _expansion = new LowRankOperands
                {
                    TransposedB = (void*)modules.Address(_transposedB, rank, hidden),
                    Rank = rank,
                    Outputs = hidden,
                    Scale = lora.Scale is null ? null : (void*)modules.Address(lora.Scale, hidden),
                };
                break;
        }
    }

    /// <summary>The rank of a low-rank update, else 0.</summary>
    public int Rank => _expansion.Rank;

    /// <summary>Makes the base's row of a token that of the adapter.</summary>
    /// <param name="token">The token.</param>
    /// <param name="row">[hidden], the base's.</param>
    /// <param name="column">Room for <see cref="Rank"/> numbers.</param>
    /// <param name="hidden">Size of the row.</param>
    /// <param name="kernels">Read the numbers.</param>
    public void Apply(int token, float* row, float* column, int hidden, DecoderKernels kernels)
    {
        if (_transposedB is not null)
        {
            for (var k = 0; k < Rank; k++) column[k] = kernels.At((void*)_a, (k * _vocabulary) + token);
            kernels.Expand(_expansion, column, row, 0, hidden);
            return;
        }

        var index = token;
        if (_rowOf is not null && !_rowOf.TryGetValue(token, out index)) return;
        kernels.Widen((byte*)_rows + ((long)index * hidden * kernels.ElementBytes), row, hidden);
    }

    /// <summary>Frees its copy, not the adapter's tensors.</summary>
    public void Dispose() => _transposedB?.Dispose();
}
