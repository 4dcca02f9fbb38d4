using System.Buffers;
using System.Runtime.Intrinsics.X86;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// Matrix products in float32 with several right factors at a time, so that the thin products of LoRA share a pass with those of the
/// weights (blocked as in Goto and van de Geijn 2008). Each element of a result is summed in a fixed order: it does not depend on
/// the number of rows or threads.
/// </summary>
internal static unsafe class MatrixProduct
{
    // Depth of a block: a right and a left panel of this depth fit into a processor's L1 cache.
    private const int MostDepth = 320;

    // Rows of the left factor that fit into the L2 cache.
    private const int BlockRows = 24 * ProductTile.Rows;

    // Columns packed at a time.
    private const int MostColumns = 256;

    // Elements of the left factor that are packed at a time, unless one block of all rows has more.
    private const long PackedElements = 2 << 20;

    private const int Alignment = 16;

    /// <summary>
    /// Whether this processor supports it and libtorch's kernels are not faster: Intel's library is fastest on Intel processors with
    /// AVX-512, and only as fast as this class on others.
    /// </summary>
    public static bool IsSupported { get; } = Avx2.IsSupported && Fma.IsSupported && !(Avx512F.IsSupported && IsIntel());

    /// <summary>Computes all parts.</summary>
    /// <param name="left">The left factor, in float32 or bfloat16.</param>
    /// <param name="rows">Rows of the left factor.</param>
    /// <param name="depth">Its columns, and the rows of every right factor.</param>
    /// <param name="parts">The right factors and the results, which overlap neither each other nor a factor.</param>
    /// <param name="threads">The largest number of threads to use.</param>
    public static void Run(ProductFactor left, long rows, long depth, ReadOnlySpan<ProductPart> parts, int threads)
    {
        var blocks = (depth + MostDepth - 1) / MostDepth;
        var block = RoundUp((depth + blocks - 1) / blocks, 8);
        var paddedRows = RoundUp(rows, ProductTile.Rows);
        var slab = Math.Clamp(PackedElements / (paddedRows * block), 1, blocks) * block;
        var work = Split(parts, threads);
        var buffer = ArrayPool<float>.Shared.Rent(checked((int)(paddedRows * slab)));
        fixed (float* memory = buffer)
        {
            var packed = memory;
            for (var first = 0L; first < depth; first += slab)
            {
                var steps = new Steps(first, Math.Min(slab, depth - first), (int)block);
                var panels = paddedRows / ProductTile.Rows;
                RowWork.Run(panels, ProductTile.Rows * steps.Count, threads, (from, to) => Pack(left, rows, panels, from, to, steps, packed));
                ThreadTeam.Run(threads, work.Length, item => Multiply(work[item], rows, steps, packed));
            }
        }

        ArrayPool<float>.Shared.Return(buffer);
    }

    // Splits the columns evenly between threads, largest pieces first.
    private static ProductPart[] Split(ReadOnlySpan<ProductPart> parts, int threads)
    {
        var work = new List<ProductPart>();
        foreach (var part in parts)
        {
            var panels = (part.Columns + ProductTile.Columns - 1) / ProductTile.Columns;
            var perThread = (part.Columns + (MostColumns * threads) - 1) / (MostColumns * threads);
            var pieces = Math.Min(panels, perThread * threads);
            for (var i = 0; i < pieces; i++)
            {
                var first = panels * i / pieces * ProductTile.Columns;
                var end = Math.Min(panels * (i + 1) / pieces * ProductTile.Columns, part.Columns);
                work.Add(part with
                {
                    Right = part.Right.From(first),
                    Columns = end - first,
                    Result = part.Result + (first * sizeof(float)),
                });
            }
        }

        return [.. work.OrderByDescending(piece => piece.Columns)];
    }

    // Some panels of the left factor, [blocks][panels][depth, 6].
    private static void Pack(ProductFactor left, long rows, long panels, long from, long to, Steps steps, float* packed)
    {
        for (var panel = from; panel < to; panel++)
        {
            var row = panel * ProductTile.Rows;
            var count = (int)Math.Min(ProductTile.Rows, rows - row);
            for (var k = 0L; k < steps.Count; k += steps.Block)
            {
                var depth = steps.Depth(k);
                var target = packed + (k * panels * ProductTile.Rows) + (row * depth);
                left.Pack(row, count, steps.First + k, depth, target, ProductTile.Rows);
            }
        }
    }

    private static void Multiply(ProductPart part, long rows, Steps steps, float* packed)
    {
        var columns = (int)RoundUp(part.Columns, ProductTile.Columns);
        var buffer = ArrayPool<float>.Shared.Rent((columns * steps.Block) + Alignment);
        fixed (float* memory = buffer)
        {
            var right = (float*)RoundUp((nint)memory, Alignment * sizeof(float));
            for (var k = 0L; k < steps.Count; k += steps.Block)
            {
                var depth = steps.Depth(k);
                for (var column = 0; column < part.Columns; column += ProductTile.Columns)
                {
                    var count = Math.Min(ProductTile.Columns, part.Columns - column);
                    part.Right.Pack(column, count, steps.First + k, depth, right + ((long)column * depth), ProductTile.Columns);
                }

                var left = packed + (k * RoundUp(rows, ProductTile.Rows));
                var current = part with { Adds = part.Adds || steps.First + k > 0 };
                for (var row = 0L; row < rows; row += BlockRows)
                {
                    for (var column = 0; column < part.Columns; column += ProductTile.Columns)
                        Tiles(current, left, right + ((long)column * depth), depth, row, Math.Min(row + BlockRows, rows), column);
                }
            }
        }

        ArrayPool<float>.Shared.Return(buffer);
    }

    // The tiles of some rows in one panel of columns.
    private static void Tiles(ProductPart part, float* left, float* right, int depth, long row, long end, int column)
    {
        var edge = stackalloc float[ProductTile.Rows * ProductTile.Columns];
        var columns = Math.Min(ProductTile.Columns, part.Columns - column);
        for (; row < end; row += ProductTile.Rows)
        {
            var result = (float*)part.Result + (row * part.Stride) + column;
            var count = (int)Math.Min(ProductTile.Rows, end - row);
            if (count == ProductTile.Rows && columns == ProductTile.Columns)
            {
                ProductTile.Run(left + (row * depth), right, depth, result, part.Stride, part.Scale, part.Adds);
                continue;
            }

            for (var i = 0; i < count && part.Adds; i++) new Span<float>(result + (i * part.Stride), columns).CopyTo(new(edge + (i * ProductTile.Columns), columns));
            ProductTile.Run(left + (row * depth), right, depth, edge, ProductTile.Columns, part.Scale, part.Adds);
            for (var i = 0; i < count; i++) new Span<float>(edge + (i * ProductTile.Columns), columns).CopyTo(new(result + (i * part.Stride), columns));
        }
    }

    private static long RoundUp(long value, long unit) => (value + unit - 1) / unit * unit;

    private static bool IsIntel() => X86Base.CpuId(0, 0).Ebx == BitConverter.ToInt32("Genu"u8);

    /// <summary>Steps of the sums for which the left factor is packed.</summary>
    /// <param name="First">The first of them.</param>
    /// <param name="Count">All of them.</param>
    /// <param name="Block">As many are done at a time.</param>
    private readonly record struct Steps(long First, long Count, int Block)
    {
        /// <summary>Steps of the block that begins at one.</summary>
        public int Depth(long start) => (int)Math.Min(Block, Count - start);
    }
}
