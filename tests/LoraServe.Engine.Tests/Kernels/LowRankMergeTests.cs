using System.Runtime.InteropServices;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Lora;
using Shouldly;
using Xunit;
using static TorchSharp.torch;
using BFloat16 = LoraServe.Engine.Kernels.Lanes.BFloat16;

namespace LoraServe.Engine.Tests.Kernels;

public class LowRankMergeTests
{
    // The sum of r products in another order than the reference's may round to the neighbour where it lies half-way between two.
    private const double NeighbourShare = 1e-3;

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 31, 2)]
    [InlineData(5, 33, 4)]
    [InlineData(64, 64, 8)]
    [InlineData(577, 96, 16)]
    [InlineData(192, 576, 64)]
    [InlineData(130, 70, 0)]
    public void Run_AnyShape_EqualsFloat32ReferenceRoundedOnce(int rows, int columns, int rank)
    {
        using var scope = NewDisposeScope();
        var generator = new Generator(7);
        var w = randn([rows, columns], generator: generator).to(ScalarType.BFloat16);
        var (a, b) = (randn([rank, columns], generator: generator), randn([rows, rank], generator: generator));
        var scale = rand([rows], generator: generator).add(0.5);
        var merged = empty_like(w);

        foreach (var (factor, threads) in new[] { (null, 1), (scale, 1), (null, 3), (scale, 3) })
        {
            LowRankMerge.Run(Halves(w), Floats(b), Floats(a), factor is null ? [] : Floats(factor), Halves(merged), columns, threads);

            var wide = w.to(ScalarType.Float32);
            var exact = factor is null ? wide : wide.mul(factor.unsqueeze(1));
            if (rank > 0) exact = exact.Plus(nn.functional.linear(b, a.t()));
            var expected = exact.to(ScalarType.BFloat16);
            var differing = merged.ne(expected).sum().item<long>();
            differing.ShouldBeLessThanOrEqualTo((long)(rows * columns * NeighbourShare));
            merged.to(ScalarType.Float32).sub(exact).abs().le(exact.abs().mul(1.0 / 256).add(1e-6)).all().item<bool>().ShouldBeTrue();
        }
    }

    [Fact]
    public void Run_MemoryOfDifferentModules_IsRefused() =>
        Should.Throw<ArgumentException>(() => LowRankMerge.Run(new ushort[8], new float[4], new float[3], [], new ushort[8], columns: 4, threads: 1));

    [Theory]
    [InlineData(1.0f, 0x3F80)]
    [InlineData(1.00390625f, 0x3F80)] // half-way, to even
    [InlineData(1.01171875f, 0x3F82)] // half-way, to even
    [InlineData(1.00390637f, 0x3F81)]
    [InlineData(float.MaxValue, 0x7F80)]
    [InlineData(float.NegativeInfinity, 0xFF80)]
    public void Round_Value_IsNearestWithTiesToEven(float value, int expected) => BFloat16.Round(value).ShouldBe((ushort)expected);

    [Fact]
    public void Round_NaN_StaysNaN() => float.IsNaN(BFloat16.Widen(BFloat16.Round(float.NaN))).ShouldBeTrue();

    private static Span<ushort> Halves(Tensor tensor) => MemoryMarshal.Cast<byte, ushort>(tensor.bytes);

    private static Span<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.contiguous().bytes);
}
