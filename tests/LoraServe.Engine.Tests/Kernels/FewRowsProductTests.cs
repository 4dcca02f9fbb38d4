using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Engine.Kernels;
using Shouldly;
using Xunit;
using BFloat16 = LoraServe.Engine.Kernels.BFloat16;

namespace LoraServe.Engine.Tests.Kernels;

/// <summary>Against sums in float64.</summary>
public unsafe class FewRowsProductTests
{
    public static Arbitrary<Case> Cases { get; } = Arb.From(
        from rows in Gen.Choose(1, 40)
        from blocks in Gen.Choose(1, 20)
        from outputs in Gen.Choose(1, 300)
        from hasBias in Gen.Elements(true, false)
        from threads in Gen.Choose(1, 3)
        select new Case(rows, blocks * FewRowsProduct.Block, outputs, hasBias, threads));

    [Property(MaxTest = 200)]
    public Property Run_AnyShape_IsWithinTheErrorOfItsRoundings() => Prop.ForAll(Cases, one =>
    {
        Assert.SkipUnless(FewRowsProduct.IsSupported, "This processor multiplies by libtorch.");
        var (x, weight, bias) = Factors(one);

        var y = Run(one, x, weight, bias);

        for (var row = 0; row < one.Rows; row++)
        {
            for (var output = 0; output < one.Outputs; output++)
            {
                var (sum, size) = (0.0, 0.0);
                for (var i = 0; i < one.Inputs; i++)
                {
                    var product = (double)BFloat16.Widen(x[(row * one.Inputs) + i]) * BFloat16.Widen(weight[(output * one.Inputs) + i]);
                    (sum, size) = (sum + product, size + Math.Abs(product));
                }

                if (one.HasBias) (sum, size) = (sum + BFloat16.Widen(bias[output]), size + Math.Abs(BFloat16.Widen(bias[output])));
                // Each of 16 partial sums takes inputs / 16 roundings to float32; joining them takes 4, and the bias one more.
                var summing = ((one.Inputs / 16) + 5) * Math.Pow(2, -24) * size * 1.001;
                var rounding = Math.Pow(2, -8) * (Math.Abs(sum) + summing);
                Math.Abs(BFloat16.Widen(y[(row * one.Outputs) + output]) - sum).ShouldBeLessThanOrEqualTo(summing + rounding);
            }
        }
    });

    [Fact]
    public void Run_RowsAloneOrTogetherOnAnyThreads_GivesTheSameBits()
    {
        Assert.SkipUnless(FewRowsProduct.IsSupported, "This processor multiplies by libtorch.");
        var together = new Case(Rows: 32, Inputs: 576, Outputs: 1537, HasBias: true, Threads: 1);
        var (x, weight, bias) = Factors(together);
        var expected = Run(together, x, weight, bias);

        Run(together with { Threads = 2 }, x, weight, bias).ShouldBe(expected);
        for (var row = 0; row < together.Rows; row++)
        {
            Run(together with { Rows = 1 }, x.AsSpan(row * together.Inputs, together.Inputs).ToArray(), weight, bias)
                .ShouldBe(expected.AsSpan(row * together.Outputs, together.Outputs).ToArray());
        }
    }

    [Fact]
    public void Run_InputsThatAreNoMultipleOfABlock_Throws() => Should.Throw<ArgumentException>(
        () => Run(new Case(Rows: 1, Inputs: 33, Outputs: 1, HasBias: false, Threads: 1), new ushort[33], new ushort[33], []));

    private static ushort[] Run(Case one, ushort[] x, ushort[] weight, ushort[] bias)
    {
        var y = new ushort[one.Rows * one.Outputs];
        fixed (ushort* w = weight)
            FewRowsProduct.Run(x, w, one.HasBias ? bias : [], y, one.Inputs, one.Outputs, one.Threads);
        return y;
    }

    private static (ushort[] X, ushort[] Weight, ushort[] Bias) Factors(Case one) =>
        (Numbers(1, one.Rows * one.Inputs), Numbers(2, one.Outputs * one.Inputs), Numbers(3, one.Outputs));

    private static ushort[] Numbers(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => BFloat16.Round((float)((random.NextDouble() * 2) - 1)))];
    }

    /// <summary>The shape of a product.</summary>
    public sealed record Case(int Rows, int Inputs, int Outputs, bool HasBias, int Threads);
}
