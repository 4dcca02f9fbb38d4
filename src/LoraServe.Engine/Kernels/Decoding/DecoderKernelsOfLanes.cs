using System.Runtime.CompilerServices;
using LoraServe.Engine.Kernels.Lanes;
using LoraServe.Engine.Kernels.Products;

namespace LoraServe.Engine.Kernels.Decoding;

/// <summary>The kernels for one vector and one stored number.</summary>
/// <typeparam name="TLanes">The vector.</typeparam>
/// <typeparam name="T">The stored number.</typeparam>
/// <typeparam name="TElements">How it is read.</typeparam>
internal sealed unsafe class DecoderKernels<TLanes, T, TElements> : DecoderKernels
    where TLanes : struct, ILanes<TLanes>
    where T : unmanaged
    where TElements : struct, IElements<T>
{
    public override int ElementBytes => sizeof(T);

    public override string Description =>
        $"{TLanes.Count} lanes of {(typeof(T) == typeof(float) ? "float32" : DotProduct.IsSupported ? "bfloat16 with dot products" : "bfloat16")}";

    public override RowsProduct Product(int inputs) => typeof(T) == typeof(float) ? RowsProduct.OfSingle() : RowsProduct.OfBFloat16(inputs);

    public override void Widen(void* x, float* y, int size)
    {
        for (var i = 0; i < size; i += TLanes.Count) TLanes.Store(TElements.Load<TLanes>((T*)x + i), y + i);
    }

    public override float At(void* x, long index) => TElements.Widen(((T*)x)[index]);

    public override void Add(float* y, float* x, int size)
    {
        for (var i = 0; i < size; i += TLanes.Count) TLanes.Store(TLanes.Load(x + i) + TLanes.Load(y + i), x + i);
    }

    public override void RmsNorm(float* x, void* weight, float* y, int size, float epsilon)
    {
        TLanes squares = default;
        for (var i = 0; i < size; i += TLanes.Count)
        {
            var value = TLanes.Load(x + i);
            squares = TLanes.MultiplyAdd(value, value, squares);
        }

        var inverse = TLanes.Create(1 / MathF.Sqrt((TLanes.Sum(squares) / size) + epsilon));
        for (var i = 0; i < size; i += TLanes.Count)
            TLanes.Store(TLanes.Load(x + i) * inverse * TElements.Load<TLanes>((T*)weight + i), y + i);
    }

    public override void Rotate(float* head, float* cosine, float* sine, int half, float scale)
    {
        var factor = TLanes.Create(scale);
        for (var i = 0; i < half; i += TLanes.Count)
        {
            TLanes first = TLanes.Load(head + i), second = TLanes.Load(head + half + i);
            TLanes cos = TLanes.Load(cosine + i), sin = TLanes.Load(sine + i);
            TLanes.Store(((first * cos) - (second * sin)) * factor, head + i);
            TLanes.Store(((second * cos) + (first * sin)) * factor, head + half + i);
        }
    }

    public override void Gate(float* gate, float* up, int size)
    {
        var (zero, one) = (default(TLanes), TLanes.Create(1));
        for (var i = 0; i < size; i += TLanes.Count)
        {
            var value = TLanes.Load(gate + i);
            TLanes.Store(value / (one + TLanes.Exp(zero - value)) * TLanes.Load(up + i), gate + i);
        }
    }

    public override void Expand(in LowRankOperands update, float* ax, float* y, int from, int to)
    {
        var output = from;
        for (; output + (4 * TLanes.Count) <= to; output += 4 * TLanes.Count) ExpandFour(update, ax, y, output);
        for (; output + TLanes.Count <= to; output += TLanes.Count) ExpandOne(update, ax, y, output);
        for (; output < to; output++)
        {
            var sum = update.Scale == null ? y[output] : y[output] * TElements.Widen(((T*)update.Scale)[output]);
            for (var k = 0; k < update.Rank; k++)
                sum = MathF.FusedMultiplyAdd(ax[k], TElements.Widen(((T*)update.TransposedB)[((long)k * update.Outputs) + output]), sum);
            y[output] = update.Shift == null ? sum : sum + TElements.Widen(((T*)update.Shift)[output]);
        }
    }

    public override void Store(float* key, float* value, void* keys, void* values, int slot, in AttentionShape shape)
    {
        var target = (T*)keys + slot;
        for (var i = 0; i < shape.HeadDim; i++) target[i * shape.BlockSize] = TElements.Round(key[i]);
        var row = (T*)values + (slot * shape.HeadDim);
        for (var i = 0; i < shape.HeadDim; i += TLanes.Count) TElements.Store(TLanes.Load(value + i), row + i);
    }

    public override void Attend(in AttentionPiece piece, in AttentionShape shape) => PagedAttention<TLanes, T, TElements>.Attend(piece, shape);

    public override void Join(in AttentionPart part, in AttentionPart whole, int headDim)
    {
        if (float.IsNegativeInfinity(part.Largest)) return;
        var largest = MathF.Max(part.Largest, whole.Largest);
        float before = MathF.Exp(whole.Largest - largest), now = MathF.Exp(part.Largest - largest);
        ref var joined = ref Unsafe.AsRef(in whole);
        joined.Weight = (whole.Weight * before) + (part.Weight * now);
        joined.Largest = largest;
        TLanes kept = TLanes.Create(before), added = TLanes.Create(now);
        for (var i = 0; i < headDim; i += TLanes.Count)
            TLanes.Store((TLanes.Load(whole.Sum + i) * kept) + (TLanes.Load(part.Sum + i) * added), whole.Sum + i);
    }

    public override void Finish(in AttentionPart whole, float* y, int headDim)
    {
        var share = TLanes.Create(1 / whole.Weight);
        for (var i = 0; i < headDim; i += TLanes.Count) TLanes.Store(TLanes.Load(whole.Sum + i) * share, y + i);
    }

    private static void ExpandOne(in LowRankOperands update, float* ax, float* y, int output)
    {
        var sum = TLanes.Load(y + output);
        if (update.Scale != null) sum *= TElements.Load<TLanes>((T*)update.Scale + output);
        var b = (T*)update.TransposedB + output;
        for (var k = 0; k < update.Rank; k++, b += update.Outputs) sum = TLanes.MultiplyAdd(TLanes.Create(ax[k]), TElements.Load<TLanes>(b), sum);
        if (update.Shift != null) sum += TElements.Load<TLanes>((T*)update.Shift + output);
        TLanes.Store(sum, y + output);
    }

    private static void ExpandFour(in LowRankOperands update, float* ax, float* y, int output)
    {
        var width = TLanes.Count;
        if (update.Scale != null || update.Shift != null)
        {
            for (var i = 0; i < 4; i++) ExpandOne(update, ax, y, output + (i * width));
            return;
        }

        var b = (T*)update.TransposedB + output;
        var to = y + output;
        TLanes sum0 = TLanes.Load(to), sum1 = TLanes.Load(to + width), sum2 = TLanes.Load(to + (2 * width)), sum3 = TLanes.Load(to + (3 * width));
        for (var k = 0; k < update.Rank; k++, b += update.Outputs)
        {
            var a = TLanes.Create(ax[k]);
            sum0 = TLanes.MultiplyAdd(a, TElements.Load<TLanes>(b), sum0);
            sum1 = TLanes.MultiplyAdd(a, TElements.Load<TLanes>(b + width), sum1);
            sum2 = TLanes.MultiplyAdd(a, TElements.Load<TLanes>(b + (2 * width)), sum2);
            sum3 = TLanes.MultiplyAdd(a, TElements.Load<TLanes>(b + (3 * width)), sum3);
        }

        TLanes.Store(sum0, to);
        TLanes.Store(sum1, to + width);
        TLanes.Store(sum2, to + (2 * width));
        TLanes.Store(sum3, to + (3 * width));
    }
}
