using System.Collections.Concurrent;
using System.Runtime.Intrinsics.X86;
using LoraServe.Engine.Kernels.Lanes;

namespace LoraServe.Engine.Kernels.Products;

/// <summary>
/// The product by the processor's dot product of bfloat16 pairs (VDPBF16PS of AVX512_BF16), which .NET has no method for: its loops are written
/// at run time, see <see cref="DotProductCode"/>. It does twice the work of a fused multiply-add, which pays from about four rows on.
/// </summary>
internal sealed unsafe class DotProduct : RowsProduct
{
    /// <summary>The inputs must be a multiple of this.</summary>
    public const int Block = 32;

    // Bytes of W that stay in the cache while the rows of x pass.
    private const int Resident = 96 << 10;

    private readonly ConcurrentDictionary<int, DotProductCode> _codes = [];

    private DotProduct()
    {
    }

    /// <summary>The one instance, which keeps the loops it has written.</summary>
    public static DotProduct Shared { get; } = new();

    /// <summary>Whether this processor has the instruction, and code can be written for it.</summary>
    public static bool IsSupported { get; } = OperatingSystem.IsLinux() && HasInstruction;

    /// <summary>Whether the processor has AVX512_BF16, for which .NET has no property: CPUID leaf 7, subleaf 1, EAX bit 5.</summary>
    public static bool HasInstruction => Avx512F.IsSupported && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0;

    public override long PackedBytes(int inputs) => inputs * (long)sizeof(ushort);

    public override void Pack(float* x, byte* packed, int inputs)
    {
        for (var i = 0; i < inputs; i += Lanes16.Count) Lanes16.Store(Lanes16.Load(x + i), (ushort*)packed + i);
    }

    public override void Multiply(in ProductOperands operands, int from, int to)
    {
        var code = _codes.GetOrAdd(operands.Inputs, static inputs => new DotProductCode(inputs));
        var rowBytes = operands.Inputs * (long)sizeof(ushort);
        var step = Math.Max(Group, (int)(Resident / rowBytes) / Group * Group);
        for (var first = from; first < to; first += step)
        {
            var last = Math.Min(first + step, to);
            var groups = (last - first) / Group;
            for (var row = 0; row < operands.Rows;)
            {
                var rows = DotProductCode.RowsAtOnce(operands.Rows - row);
                byte* w = (byte*)operands.W + (first * rowBytes), x = operands.X + (row * rowBytes);
                var y = operands.Y + (row * operands.YStride) + first;
                if (groups > 0) code.Groups(rows, readsAhead: row == 0)(w, x, y, groups, operands.YStride * sizeof(float));
                var done = groups * Group;
                if (first + done < last) code.Singles(rows)(w + (done * rowBytes), x, y + done, last - first - done, operands.YStride * sizeof(float));
                row += rows;
            }
        }

        if (operands.Bias != null) AddBias(operands, from, to);
    }

    private static void AddBias(in ProductOperands operands, int from, int to)
    {
        var bias = (ushort*)operands.Bias;
        for (var row = 0; row < operands.Rows; row++)
        {
            var y = operands.Y + (row * operands.YStride);
            for (var i = from; i < to; i++) y[i] += BFloat16.Widen(bias[i]);
        }
    }
}
