using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using LoraServe.Engine.Kernels.Lanes;

namespace LoraServe.Engine.Kernels.Products;

/// <summary>
/// The product by fused multiply-add. Four rows of W are read once, in the order of memory and ahead of their use, and multiplied by all
/// rows of x, four at a time, while they are in the cache.
/// </summary>
/// <typeparam name="TLanes">The vector.</typeparam>
/// <typeparam name="T">The stored number of W.</typeparam>
/// <typeparam name="TBlocks">How W is read.</typeparam>
internal sealed unsafe class LanesProduct<TLanes, T, TBlocks> : RowsProduct
    where TLanes : struct, ILanes<TLanes>
    where T : unmanaged
    where TBlocks : struct, INumberBlocks<TLanes, T>
{
    private const int CacheLine = 64;
    private const int Tile = 2;

    // Bytes of W that stay in the first cache while the rows of x pass.
    private const int Resident = 20 << 10;

    private static int Block => 2 * TLanes.Count;

    public override long PackedBytes(int inputs) => ((long)inputs + 15) / 16 * 16 * sizeof(float);

    public override void Pack(float* x, byte* packed, int inputs)
    {
        var target = (float*)packed;
        var whole = inputs / Block * Block;
        for (var i = 0; i < whole; i += Block)
        {
            for (var j = 0; j < Block; j++) target[i + TBlocks.PlaceOf(j)] = x[i + j];
        }

        for (var i = whole; i < inputs; i++) target[i] = x[i];
    }

    public override void Multiply(in ProductOperands operands, int from, int to)
    {
        var x = (float*)operands.X;
        var stride = PackedBytes(operands.Inputs) / sizeof(float);
        var step = Math.Max(Group, (int)(Resident / (operands.Inputs * (long)sizeof(T))) / Group * Group);
        for (var first = from; first < to; first += step)
        {
            var last = Math.Min(first + step, to);
            var row = 0;
            for (; row + Tile <= operands.Rows; row += Tile)
                for (var output = first; output < last; output += Group) Two(operands, x + (row * stride), stride, row, output, Math.Min(Group, last - output));
            for (; row < operands.Rows; row++)
                for (var output = first; output < last; output += Group) One(operands, x + (row * stride), row, output, Math.Min(Group, last - output));
        }
    }

    private static float Tail(T* w, float* x, int inputs)
    {
        var sum = 0f;
        for (var i = inputs / Block * Block; i < inputs; i++) sum += TBlocks.Widen(w[i]) * x[i];
        return sum;
    }

    private static void Write(in ProductOperands operands, int row, int output, int index, TLanes sum, T* w, float* x)
    {
        if (index < 0) return;
        var total = TLanes.Sum(sum) + Tail(w, x, operands.Inputs);
        if (operands.Bias != null) total += TBlocks.Widen(((T*)operands.Bias)[output + index]);
        operands.Y[(row * operands.YStride) + output + index] = total;
    }

    // Rows of W past the last one repeat it, and are not written.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(in ProductOperands operands, float* x, int row, int output, int count)
    {
        var inputs = operands.Inputs;
        var w0 = (T*)operands.W + ((long)output * inputs);
        T* w1 = w0 + (count > 1 ? inputs : 0), w2 = w1 + (count > 2 ? inputs : 0), w3 = w2 + (count > 3 ? inputs : 0);
        var ahead = (byte*)(w0 + (2L * Group * inputs));
        TLanes s0 = default, s1 = default, s2 = default, s3 = default;
        for (var i = 0; i + Block <= inputs; i += Block)
        {
            if (row == 0) ReadAhead(ahead, i);
            TLanes x0 = TLanes.Load(x + i), x1 = TLanes.Load(x + i + TLanes.Count);
            s0 = Add(w0 + i, x0, x1, s0);
            s1 = Add(w1 + i, x0, x1, s1);
            s2 = Add(w2 + i, x0, x1, s2);
            s3 = Add(w3 + i, x0, x1, s3);
        }

        Write(operands, row, output, 0, s0, w0, x);
        Write(operands, row, output, count > 1 ? 1 : -1, s1, w1, x);
        Write(operands, row, output, count > 2 ? 2 : -1, s2, w2, x);
        Write(operands, row, output, count > 3 ? 3 : -1, s3, w3, x);
    }

    // The same sums for two rows of x, which share what is read of W.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(in ProductOperands operands, float* x, long stride, int row, int output, int count)
    {
        var inputs = operands.Inputs;
        var w0 = (T*)operands.W + ((long)output * inputs);
        T* w1 = w0 + (count > 1 ? inputs : 0), w2 = w1 + (count > 2 ? inputs : 0), w3 = w2 + (count > 3 ? inputs : 0);
        var ahead = (byte*)(w0 + (2L * Group * inputs));
        var y = x + stride;
        TLanes s0 = default, s1 = default, s2 = default, s3 = default, t0 = default, t1 = default, t2 = default, t3 = default;
        for (var i = 0; i + Block <= inputs; i += Block)
        {
            if (row == 0) ReadAhead(ahead, i);
            TLanes x0 = TLanes.Load(x + i), x1 = TLanes.Load(x + i + TLanes.Count);
            TLanes y0 = TLanes.Load(y + i), y1 = TLanes.Load(y + i + TLanes.Count);
            var (a, b) = TBlocks.Load(w0 + i);
            s0 = TLanes.MultiplyAdd(b, x1, TLanes.MultiplyAdd(a, x0, s0));
            t0 = TLanes.MultiplyAdd(b, y1, TLanes.MultiplyAdd(a, y0, t0));
            (a, b) = TBlocks.Load(w1 + i);
            s1 = TLanes.MultiplyAdd(b, x1, TLanes.MultiplyAdd(a, x0, s1));
            t1 = TLanes.MultiplyAdd(b, y1, TLanes.MultiplyAdd(a, y0, t1));
            (a, b) = TBlocks.Load(w2 + i);
            s2 = TLanes.MultiplyAdd(b, x1, TLanes.MultiplyAdd(a, x0, s2));
            t2 = TLanes.MultiplyAdd(b, y1, TLanes.MultiplyAdd(a, y0, t2));
            (a, b) = TBlocks.Load(w3 + i);
            s3 = TLanes.MultiplyAdd(b, x1, TLanes.MultiplyAdd(a, x0, s3));
            t3 = TLanes.MultiplyAdd(b, y1, TLanes.MultiplyAdd(a, y0, t3));
        }

        Write(operands, row, output, 0, s0, w0, x);
        Write(operands, row + 1, output, 0, t0, w0, y);
        Write(operands, row, output, count > 1 ? 1 : -1, s1, w1, x);
        Write(operands, row + 1, output, count > 1 ? 1 : -1, t1, w1, y);
        Write(operands, row, output, count > 2 ? 2 : -1, s2, w2, x);
        Write(operands, row + 1, output, count > 2 ? 2 : -1, t2, w2, y);
        Write(operands, row, output, count > 3 ? 3 : -1, s3, w3, x);
        Write(operands, row + 1, output, count > 3 ? 3 : -1, t3, w3, y);
    }

    // The rows after the next ones, which lie one after the other, as far as these rows have come.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ReadAhead(byte* ahead, int done)
    {
        if (!Sse.IsSupported) return;
        for (var line = 0; line < Group * Block * sizeof(T); line += CacheLine) Sse.Prefetch0(ahead + ((long)Group * done * sizeof(T)) + line);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Add(T* w, TLanes x0, TLanes x1, TLanes sum)
    {
        var (first, second) = TBlocks.Load(w);
        return TLanes.MultiplyAdd(second, x1, TLanes.MultiplyAdd(first, x0, sum));
    }
}
