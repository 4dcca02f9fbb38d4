using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace LoraServe.Engine.Kernels.Products;

/// <summary>
/// The inner loops of <see cref="DotProduct"/> for rows of one length. A loop multiplies four rows of W, or one, by one to six rows of x, with
/// an accumulator for each pair, so that every pair is summed in the same order in all of them. The first rows of x read W ahead of its use:
/// else the processor waits for memory at the start of every four rows.
/// </summary>
internal sealed unsafe class DotProductCode
{
    private const int MostRows = 6;
    private const int Line = 64;

    private static readonly AssemblerRegisterZMM[] Zmm =
    [
        zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15,
        zmm16, zmm17, zmm18, zmm19, zmm20, zmm21, zmm22, zmm23, zmm24, zmm25, zmm26, zmm27, zmm28, zmm29, zmm30, zmm31,
    ];

    // The last registers: the first ones accumulate.
    private static readonly AssemblerRegisterZMM X = zmm28;
    private static readonly AssemblerRegisterZMM First = zmm29;
    private static readonly AssemblerRegisterZMM Second = zmm30;

    private readonly ExecutableMemory _memory;
    private readonly nint[] _ahead = new nint[MostRows + 1];
    private readonly nint[] _groups = new nint[MostRows + 1];
    private readonly nint[] _singles = new nint[MostRows + 1];

    /// <summary>Writes the loops.</summary>
    /// <param name="inputs">Numbers of a row, a multiple of <see cref="DotProduct.Block"/>.</param>
    public DotProductCode(int inputs)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(inputs % DotProduct.Block, 0);
        var code = new MemoryStream();
        for (var rows = 1; rows <= MostRows; rows++)
        {
            _ahead[rows] = Write(code, inputs * sizeof(ushort), rows, RowsProduct.Group, readsAhead: true);
            _groups[rows] = Write(code, inputs * sizeof(ushort), rows, RowsProduct.Group, readsAhead: false);
            _singles[rows] = Write(code, inputs * sizeof(ushort), rows, 1, readsAhead: false);
        }

        _memory = new ExecutableMemory(code.ToArray());
    }

    /// <summary>How many of the rows of x that are left to take next.</summary>
    public static int RowsAtOnce(int left) => left switch { <= MostRows => left, < 2 * MostRows => (left + 1) / 2, _ => MostRows };

    /// <summary>The loop over groups of rows of W: (w, x, y, groups, bytes from one row of y to the next).</summary>
    public delegate* unmanaged<byte*, byte*, float*, long, long, void> Groups(int rows, bool readsAhead) =>
        (delegate* unmanaged<byte*, byte*, float*, long, long, void>)(_memory.Address + (readsAhead ? _ahead : _groups)[rows]);

    /// <summary>The same over single rows of W.</summary>
    public delegate* unmanaged<byte*, byte*, float*, long, long, void> Singles(int rows) =>
        (delegate* unmanaged<byte*, byte*, float*, long, long, void>)(_memory.Address + _singles[rows]);

    // rdi: w, rsi: x, rdx: y, rcx: groups, r8: bytes from one row of y to the next. Returns where in the code it begins.
    private static nint Write(MemoryStream code, int rowBytes, int rows, int group, bool readsAhead)
    {
        while (code.Length % Line != 0) code.WriteByte(0);
        var start = (nint)code.Length;
        var a = new Assembler(64) { PreferVex = false };
        var (nextGroup, nextBlock) = (a.CreateLabel(), a.CreateLabel());
        a.mov(eax, 0x1111);
        a.kmovw(k1, eax);
        a.Label(ref nextGroup);
        for (var i = 0; i < rows * group; i++) a.vpxord(Zmm[i], Zmm[i], Zmm[i]);
        a.xor(eax, eax);
        a.Label(ref nextBlock);
        for (var w = 0; w < group; w++) a.vmovdqu64(W(w), __[rdi + rax + (w * rowBytes)]);
        for (var line = 0; readsAhead && line < group; line++) a.prefetcht0(__[rdi + (rax * group) + ((2 * group * rowBytes) + (line * Line))]);
        for (var x = 0; x < rows; x++)
        {
            a.vmovdqu64(X, __[rsi + rax + (x * rowBytes)]);
            for (var w = 0; w < group; w++) a.vdpbf16ps(Zmm[(x * group) + w], X, W(w));
        }

        a.add(rax, Line);
        a.cmp(rax, rowBytes);
        a.jb(nextBlock);
        a.mov(r10, rdx);
        for (var x = 0; x < rows; x++)
        {
            if (group == 1) WriteSum(a, x);
            else WriteSums(a, x * group);
            a.add(r10, r8);
        }

        a.add(rdx, group * sizeof(float));
        a.add(rdi, group * rowBytes);
        a.dec(rcx);
        a.jnz(nextGroup);
        a.vzeroupper();
        a.ret();
        a.Assemble(new StreamCodeWriter(code), 0);
        return start;
    }

    private static AssemblerRegisterZMM W(int index) => Zmm[24 + index];

    // Four accumulators to four sums, in the order of WriteSum for each: first the halves, then their halves, and so on.
    private static void WriteSums(Assembler a, int first)
    {
        for (var pair = first; pair < first + 4; pair += 2)
        {
            a.vshuff64x2(First, Zmm[pair], Zmm[pair + 1], 0x44);
            a.vshuff64x2(Second, Zmm[pair], Zmm[pair + 1], 0xEE);
            a.vaddps(Zmm[pair], First, Second);
        }

        a.vshuff64x2(First, Zmm[first], Zmm[first + 2], 0x88);
        a.vshuff64x2(Second, Zmm[first], Zmm[first + 2], 0xDD);
        a.vaddps(First, First, Second);
        a.vpermilps(Second, First, 0x4E);
        a.vaddps(First, First, Second);
        a.vpermilps(Second, First, 0xB1);
        a.vaddps(First, First, Second);
        a.vcompressps(First.k1.z, First);
        a.vmovups(__[r10], xmm29);
    }

    private static void WriteSum(Assembler a, int accumulator)
    {
        a.vshuff64x2(First, Zmm[accumulator], Zmm[accumulator], 0xEE);
        a.vaddps(First, Zmm[accumulator], First);
        a.vshuff64x2(Second, First, First, 0x11);
        a.vaddps(First, First, Second);
        a.vpermilps(Second, First, 0x4E);
        a.vaddps(First, First, Second);
        a.vpermilps(Second, First, 0xB1);
        a.vaddps(First, First, Second);
        a.vmovss(__[r10], xmm29);
    }
}
