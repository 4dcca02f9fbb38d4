using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Engine.Kernels;
using Shouldly;
using Xunit;
using BFloat16 = LoraServe.Engine.Kernels.Lanes.BFloat16;

namespace LoraServe.Engine.Tests.Kernels;

/// <summary>Against sums in float64.</summary>
public class MatrixProductTests
{
    private const float Untouched = 12345;

    public static Arbitrary<ProductCase> Cases { get; } = Arb.From(
        from rows in Sizes(40)
        from depth in Sizes(700)
        from columns in Sizes(70).NonEmptyListOf()
        from layouts in Gen.Choose(0, 31)
        from scale in Gen.Elements(1f, -0.5f)
        from threads in Gen.Choose(1, 3)
        select new ProductCase(rows, depth, [.. columns.Take(3)], layouts, scale, threads));

    [Property(MaxTest = 300)]
    public Property Run_AnyShapeAndLayout_EqualsSumsInFloat64() => Prop.ForAll(Cases, one =>
    {
        Assert.SkipUnless(MatrixProduct.IsSupported, "This processor multiplies by libtorch.");
        var (left, right) = (Numbers(1, one.Rows * one.Depth), one.Columns.Select((columns, i) => Numbers(i + 2, columns * one.Depth)).ToArray());

        var results = Run(one, left, right);

        for (var i = 0; i < right.Length; i++)
        {
            for (var row = 0; row < one.Rows; row++)
            {
                for (var column = 0; column < one.Columns[i]; column++)
                {
                    var (sum, size) = (0.0, 1.0);
                    for (var k = 0; k < one.Depth; k++)
                    {
                        var product = (double)left[one.LeftIsContiguous ? (row * one.Depth) + k : (k * one.Rows) + row]
                            * right[i][one.RightIsContiguous ? (column * one.Depth) + k : (k * one.Columns[i]) + column];
                        (sum, size) = (sum + product, size + Math.Abs(product));
                    }

                    var expected = (one.Adds ? Untouched : 0) + (one.Scale * sum);
                    Math.Abs(results[i][(row * (one.Columns[i] + 1)) + column] - expected).ShouldBeLessThan(1e-6 * (size + Math.Abs(expected)));
                }

                results[i][(row * (one.Columns[i] + 1)) + one.Columns[i]].ShouldBe(Untouched);
            }
        }
    });

    [Fact]
    public void Run_RowsAloneOrTogetherOnAnyThreads_GivesTheSameBits()
    {
        Assert.SkipUnless(MatrixProduct.IsSupported, "This processor multiplies by libtorch.");
        var together = new ProductCase(Rows: 200, Depth: 1000, [600, 8], Layouts: 3, Scale: 1, Threads: 1);
        var (left, right) = (Numbers(1, 200 * 1000), new[] { Numbers(2, 600 * 1000), Numbers(3, 8 * 1000) });
        var expected = Run(together, left, right);

        Run(together with { Threads = 2 }, left, right).ShouldBe(expected);
        for (var row = 0; row < 200; row += 67)
        {
            var alone = Run(together with { Rows = 1 }, left.AsSpan(row * 1000, 1000).ToArray(), right);
            alone[0].ShouldBe(expected[0].AsSpan(row * 601, 601).ToArray());
            alone[1].ShouldBe(expected[1].AsSpan(row * 9, 9).ToArray());
        }
    }

    // Rows of results are one element longer than they have columns.
    private static float[][] Run(ProductCase one, float[] left, float[][] right)
    {
        var results = one.Columns.Select(columns => Enumerable.Repeat(Untouched, one.Rows * (columns + 1)).ToArray()).ToArray();
        var (packedLeft, packedRight) = (Stored(left, one.LeftIsBFloat16), right.Select(values => Stored(values, one.RightIsBFloat16)).ToArray());
        var handles = packedRight.Concat(results).Append(packedLeft).Select(array => GCHandle.Alloc(array, GCHandleType.Pinned)).ToArray();
        var addresses = handles.Select(handle => handle.AddrOfPinnedObject()).ToArray();
        var parts = one.Columns.Select((columns, i) => new ProductPart(
            new ProductFactor(addresses[i], one.RightIsContiguous ? one.Depth : columns, one.RightIsContiguous, one.RightIsBFloat16),
            columns, addresses[right.Length + i], columns + 1, one.Scale, one.Adds)).ToArray();
        var factor = new ProductFactor(addresses[^1], one.LeftIsContiguous ? one.Depth : one.Rows, one.LeftIsContiguous, one.LeftIsBFloat16);
        MatrixProduct.Run(factor, one.Rows, one.Depth, parts, one.Threads);
        foreach (var handle in handles) handle.Free();
        return results;
    }

    private static Array Stored(float[] values, bool isBFloat16) =>
        isBFloat16 ? Array.ConvertAll(values, BFloat16.Round) : values;

    // Bfloat16 numbers, so that both kinds of elements hold them.
    private static float[] Numbers(int seed, int count)
    {
        var random = new Random(seed);
        var numbers = new float[count];
        for (var i = 0; i < count; i++) numbers[i] = BFloat16.Widen(BFloat16.Round((2 * random.NextSingle()) - 1));
        return numbers;
    }

    // Small ones and those around the borders of tiles.
    private static Gen<int> Sizes(int most) => Gen.OneOf(Gen.Choose(1, 20), Gen.Choose(1, most));

    public sealed record ProductCase(int Rows, int Depth, int[] Columns, int Layouts, float Scale, int Threads)
    {
        public bool LeftIsContiguous => (Layouts & 1) != 0;

        public bool RightIsContiguous => (Layouts & 2) != 0;

        public bool LeftIsBFloat16 => (Layouts & 4) != 0;

        public bool RightIsBFloat16 => (Layouts & 8) != 0;

        public bool Adds => (Layouts & 16) != 0;

        public override string ToString() => $"{Rows} x {Depth} x [{string.Join(", ", Columns)}], layouts {Layouts}, scale {Scale}, {Threads} threads";
    }
}
