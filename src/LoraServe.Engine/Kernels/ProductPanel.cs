using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// Packs part of a factor into a panel, in the order in which <see cref="ProductTile"/> reads it: for each step of the sums one element of
/// every line, padded with zeros to the width of the panel.
/// </summary>
/// <typeparam name="T">The element.</typeparam>
/// <typeparam name="TElements">How it is read.</typeparam>
internal static unsafe class ProductPanel<T, TElements>
    where T : unmanaged
    where TElements : struct, IVectorElements<T>
{
    private const int Block = 8;

    /// <summary>Packs contiguous lines.</summary>
    /// <param name="source">The first element of the first line.</param>
    /// <param name="stride">Elements from a line to the next.</param>
    /// <param name="count">Lines.</param>
    /// <param name="depth">Elements of each line.</param>
    /// <param name="panel">[depth, width].</param>
    /// <param name="width">6 or 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Interleave(T* source, long stride, int count, int depth, float* panel, int width)
    {
        for (var first = 0; first < width; first += Block)
        {
            var lanes = Math.Min(Block, width - first);
            var lines = Math.Clamp(count - first, 0, lanes);
            // A store into a panel that is not as wide as a vector goes beyond its lanes, for the next one to overwrite; the last must not.
            var whole = lines < lanes ? 0 : lanes == Block ? depth / Block * Block : Math.Max(depth - 1, 0) / Block * Block;
            T* start = source + (first * stride);
            for (var k = 0; k < whole; k += Block) Transpose(start + k, stride, lanes, panel + ((long)k * width) + first, width);
            for (var k = whole; k < depth; k++)
            {
                var target = panel + ((long)k * width) + first;
                for (var i = 0; i < lines; i++) target[i] = TElements.LoadOne(start + (i * stride) + k);
                for (var i = lines; i < lanes; i++) target[i] = 0;
            }
        }
    }

    /// <summary>Packs interleaved lines.</summary>
    /// <param name="source">The first element of the first line.</param>
    /// <param name="stride">Elements from one element of a line to the next.</param>
    /// <param name="count">Lines.</param>
    /// <param name="depth">Elements of each line.</param>
    /// <param name="panel">[depth, width].</param>
    /// <param name="width">6 or 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(T* source, long stride, int count, int depth, float* panel, int width)
    {
        // As above: all but the last store may go beyond their lanes, and all but the last load beyond their lines.
        var whole = count == width && width < Block ? depth - 1 : 0;
        for (var k = 0; k < depth; k++, source += stride, panel += width)
        {
            if (k < whole)
            {
                TElements.Load(source).Store(panel);
                continue;
            }

            var i = 0;
            for (; i + Block <= count; i += Block) TElements.Load(source + i).Store(panel + i);
            for (; i < count; i++) panel[i] = TElements.LoadOne(source + i);
            for (; i < width; i++) panel[i] = 0;
        }
    }

    // 8 elements of 6 or 8 lines.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(T* source, long stride, int lines, float* panel, int width)
    {
        var (r0, r1) = (TElements.Load(source), TElements.Load(source + stride));
        var (r2, r3) = (TElements.Load(source + (2 * stride)), TElements.Load(source + (3 * stride)));
        var (r4, r5) = (TElements.Load(source + (4 * stride)), TElements.Load(source + (5 * stride)));
        var (r6, r7) = lines < Block ? (r0, r0) : (TElements.Load(source + (6 * stride)), TElements.Load(source + (7 * stride)));
        var (low01, high01) = (Avx.UnpackLow(r0, r1).AsDouble(), Avx.UnpackHigh(r0, r1).AsDouble());
        var (low23, high23) = (Avx.UnpackLow(r2, r3).AsDouble(), Avx.UnpackHigh(r2, r3).AsDouble());
        var (low45, high45) = (Avx.UnpackLow(r4, r5).AsDouble(), Avx.UnpackHigh(r4, r5).AsDouble());
        var (low67, high67) = (Avx.UnpackLow(r6, r7).AsDouble(), Avx.UnpackHigh(r6, r7).AsDouble());
        var (step0, step1) = ((Avx.UnpackLow(low01, low23), Avx.UnpackLow(low45, low67)), (Avx.UnpackHigh(low01, low23), Avx.UnpackHigh(low45, low67)));
        var (step2, step3) = ((Avx.UnpackLow(high01, high23), Avx.UnpackLow(high45, high67)), (Avx.UnpackHigh(high01, high23), Avx.UnpackHigh(high45, high67)));

        // In the order of the steps, see above.
        Lower(step0, panel);
        Lower(step1, panel + width);
        Lower(step2, panel + (2 * width));
        Lower(step3, panel + (3 * width));
        Upper(step0, panel + (4 * width));
        Upper(step1, panel + (5 * width));
        Upper(step2, panel + (6 * width));
        Upper(step3, panel + (7 * width));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lower((Vector256<double> First, Vector256<double> Second) lines, float* step) =>
        Vector256.Create(lines.First.GetLower(), lines.Second.GetLower()).AsSingle().Store(step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Upper((Vector256<double> First, Vector256<double> Second) lines, float* step) =>
        Vector256.Create(lines.First.GetUpper(), lines.Second.GetUpper()).AsSingle().Store(step);
}
