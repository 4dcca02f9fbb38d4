using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// y = x W^T + b in bfloat16 for the few rows of a decode step, summed in float32. Such a product takes as long as reading W takes: four rows of W
/// are read once, in the order of memory and ahead of their use, and multiplied by all rows of x while they are in the cache. Each element of y
/// is summed in the same order, whatever the number of rows or threads.
/// </summary>
internal static unsafe class FewRowsProduct
{
    /// <summary>The inputs must be a multiple of this.</summary>
    public const int Block = 32;

    private const int Half = Block / 2;
    private const int Group = 4;

    // Bytes of W that one thread takes at a time: enough for the processor to read ahead, and few enough for the threads to end together.
    private const long ShareBytes = 128 << 10;

    /// <summary>Whether this processor has the instructions for it.</summary>
    public static bool IsSupported => Avx512F.IsSupported;

    /// <summary>Computes y; only W may be larger than 2 GiB.</summary>
    /// <param name="x">[rows, inputs] in bfloat16.</param>
    /// <param name="weight">W [outputs, inputs] in bfloat16.</param>
    /// <param name="bias">b [outputs] in bfloat16, or empty.</param>
    /// <param name="y">[rows, outputs] in bfloat16, written to.</param>
    /// <param name="inputs">A multiple of <see cref="Block"/>.</param>
    /// <param name="outputs">Rows of W.</param>
    /// <param name="threads">The largest number of threads to use.</param>
    public static void Run(
        ReadOnlySpan<ushort> x, ushort* weight, ReadOnlySpan<ushort> bias, Span<ushort> y, int inputs, int outputs, int threads)
    {
        if (inputs % Block != 0) throw new ArgumentException($"{inputs} is not a multiple of {Block}.", nameof(inputs));
        var rows = x.Length / inputs;
        var widened = ArrayPool<float>.Shared.Rent(x.Length);
        Widen(x, widened);
        var groups = (outputs + Group - 1) / Group;
        var shares = Math.Clamp((long)outputs * inputs * sizeof(ushort) / ShareBytes, 1, groups);
        fixed (float* left = widened)
        fixed (ushort* added = bias, result = y)
        {
            var product = new Product(left, weight, added, result, new Shape(rows, inputs, outputs));
            ThreadTeam.Run(threads, shares, share => product.Run((int)(groups * share / shares), (int)(groups * (share + 1) / shares)));
        }

        ArrayPool<float>.Shared.Return(widened);
    }

    // In each block the even elements come first: a vector of W holds pairs, of which a shift widens the even one and a mask the odd one.
    private static void Widen(ReadOnlySpan<ushort> x, Span<float> widened)
    {
        for (var i = 0; i < x.Length; i += Block)
        {
            for (var j = 0; j < Half; j++)
            {
                widened[i + j] = BFloat16.Widen(x[i + (2 * j)]);
                widened[i + Half + j] = BFloat16.Widen(x[i + (2 * j) + 1]);
            }
        }
    }

    private readonly record struct Shape(int Rows, int Inputs, int Outputs);

    private sealed class Product(float* x, ushort* weight, ushort* bias, ushort* y, Shape shape)
    {
        /// <summary>Computes the outputs of some groups for all rows.</summary>
        public void Run(int from, int to)
        {
            var (rows, inputs, outputs) = shape;
            var sums = stackalloc float[Group];
            for (var first = from * Group; first < to * Group; first += Group)
            {
                var w = weight + ((long)first * inputs);
                var count = Math.Min(Group, outputs - first);
                for (var row = 0; row < rows; row++)
                {
                    var left = x + ((long)row * inputs);
                    if (count < Group)
                    {
                        for (var i = 0; i < count; i++) sums[i] = One(w + ((long)i * inputs), left, inputs);
                    }
                    else
                    {
                        Four(w, left, inputs, sums, readsAhead: row == 0);
                    }

                    for (var i = 0; i < count; i++)
                    {
                        var sum = bias is null ? sums[i] : sums[i] + BFloat16.Widen(bias[first + i]);
                        y[((long)row * outputs) + first + i] = BFloat16.Round(sum);
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Even(Vector512<uint> pairs) => (pairs << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Odd(Vector512<uint> pairs) => (pairs & Vector512.Create(0xFFFF0000u)).AsSingle();

    private static float One(ushort* w, float* x, int inputs)
    {
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < inputs; i += Block)
        {
            var pairs = Vector512.Load((uint*)(w + i));
            sum = Vector512.FusedMultiplyAdd(Even(pairs), Vector512.Load(x + i), sum);
            sum = Vector512.FusedMultiplyAdd(Odd(pairs), Vector512.Load(x + i + Half), sum);
        }

        return Vector512.Sum(sum);
    }

    // Without reading ahead, the processor waits for memory at the start of every group.
    private static void Four(ushort* w, float* x, int inputs, float* sums, bool readsAhead)
    {
        ushort* w1 = w + inputs, w2 = w1 + inputs, w3 = w2 + inputs;
        var ahead = w3 + inputs + (Group * inputs);
        Vector512<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (var i = 0; i < inputs; i += Block)
        {
            if (readsAhead)
            {
                for (var line = 0; line < Group; line++) Sse.Prefetch0(ahead + (Group * i) + (line * Block));
            }

            var (even, odd) = (Vector512.Load(x + i), Vector512.Load(x + i + Half));
            sum0 = Add(w + i, even, odd, sum0);
            sum1 = Add(w1 + i, even, odd, sum1);
            sum2 = Add(w2 + i, even, odd, sum2);
            sum3 = Add(w3 + i, even, odd, sum3);
        }

        sums[0] = Vector512.Sum(sum0);
        sums[1] = Vector512.Sum(sum1);
        sums[2] = Vector512.Sum(sum2);
        sums[3] = Vector512.Sum(sum3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add(ushort* w, Vector512<float> even, Vector512<float> odd, Vector512<float> sum)
    {
        var pairs = Vector512.Load((uint*)w);
        return Vector512.FusedMultiplyAdd(Odd(pairs), odd, Vector512.FusedMultiplyAdd(Even(pairs), even, sum));
    }
}
