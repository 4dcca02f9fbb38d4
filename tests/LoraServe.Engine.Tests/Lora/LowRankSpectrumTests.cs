using FsCheck.Xunit;
using LoraServe.Engine.Lora;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Lora;

public class LowRankSpectrumTests
{
    [Property(MaxTest = 200)]
    public void Of_RandomFactors_EqualsTheFullProductsSingularValues(byte rank, byte features, byte outputs, byte dependent, int seed)
    {
        using var scope = NewDisposeScope();
        var (r, inFeatures, outFeatures) = (1 + (rank % 12), 1 + (features % 20), 1 + (outputs % 20));
        var (a, b) = (RandomMatrix.Of(r, inFeatures, seed), RandomMatrix.Of(outFeatures, r, seed + 1));
        // Equal rows make A rank-deficient.
        for (var row = 1; row <= dependent % r; row++) a[row].copy_(a[0]);

        var spectrum = LowRankSvd.Of(a, b).Spectrum(scaling: -0.75);

        var full = linalg.svdvals(-0.75 * b.to(ScalarType.Float64).mm(a.to(ScalarType.Float64))).data<double>().ToArray();
        spectrum.Values.Count.ShouldBe(Math.Min(r, Math.Min(inFeatures, outFeatures)));
        for (var i = 0; i < spectrum.Values.Count; i++) spectrum.Values[i].ShouldBe(full[i], 1e-11 * full[0]);
        full.Skip(spectrum.Values.Count).ShouldAllBe(value => value <= 1e-11 * full[0]);
        spectrum.Norm.ShouldBe(Math.Sqrt(full.Sum(value => value * value)), 1e-11 * full[0]);
        var rankOfProduct = Math.Min(r - (dependent % r), Math.Min(inFeatures, outFeatures));
        spectrum.Values.Count(value => value > 0).ShouldBeLessThanOrEqualTo(rankOfProduct);
        spectrum.StableRank.ShouldBeInRange(1, rankOfProduct + 1e-9);
    }

    [Property(MaxTest = 100)]
    public void RankFor_AnyShare_IsTheLeastRankThatKeepsIt(byte percent, int seed)
    {
        using var scope = NewDisposeScope();
        var share = percent % 101 / 100.0;
        var spectrum = LowRankSvd.Of(RandomMatrix.Of(6, 9, seed), RandomMatrix.Of(7, 6, seed + 1)).Spectrum(scaling: 2);

        var rank = spectrum.RankFor(share);

        spectrum.EnergyOf(rank).ShouldBeGreaterThanOrEqualTo(share * spectrum.Energy);
        if (rank > 0) spectrum.EnergyOf(rank - 1).ShouldBeLessThan(share * spectrum.Energy);
    }

    [Fact]
    public void Of_KnownValues_GivesThem()
    {
        using var scope = NewDisposeScope();
        var a = diag(tensor([1f, 2f, 2f, 0f]));
        var b = eye(4);

        var spectrum = LowRankSvd.Of(a, b).Spectrum(scaling: 2);

        spectrum.Values.ShouldBe([4.0, 4.0, 2.0, 0.0], 1e-12);
        spectrum.Norm.ShouldBe(6, 1e-12);
        spectrum.StableRank.ShouldBe(36.0 / 16, 1e-12);
        spectrum.RankFor(0.8).ShouldBe(2);
        spectrum.RankFor(0.9).ShouldBe(3);
        spectrum.RankFor(1).ShouldBe(3);
    }

    [Theory]
    [InlineData(0.0, 1.0, 1.0)]
    [InlineData(1.0, 0.0, 1.0)]
    [InlineData(1.0, 1.0, 0.0)]
    public void Of_FactorOfZeros_IsZero(double a, double b, double scaling)
    {
        using var scope = NewDisposeScope();

        var spectrum = LowRankSvd.Of(ones(3, 5) * (float)a, ones(4, 3) * (float)b).Spectrum(scaling);

        spectrum.Values.ShouldBe([0.0, 0.0, 0.0]);
        (spectrum.Norm, spectrum.StableRank, spectrum.RankFor(0.99)).ShouldBe((0.0, 0.0, 0));
    }

    [Fact]
    public void Of_FactorsThatCancel_IsZero()
    {
        using var scope = NewDisposeScope();
        var row = RandomMatrix.Of(1, 40, seed: 1);
        var column = RandomMatrix.Of(30, 1, seed: 2);

        // B A = u v - u v, though neither factor is zero.
        var spectrum = LowRankSvd.Of(cat([row, row]), cat([column, -column], dim: 1)).Spectrum(scaling: 1);

        spectrum.Norm.ShouldBe(0);
    }

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Of_NarrowDtype_TakesTheStoredValuesExactly(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (RandomMatrix.Of(4, 30, seed: 3).to(dtype), RandomMatrix.Of(20, 4, seed: 4).to(dtype));

        var narrow = LowRankSvd.Of(a, b).Spectrum(scaling: 1);

        narrow.Values.ShouldBe(LowRankSvd.Of(a.to(ScalarType.Float32), b.to(ScalarType.Float32)).Spectrum(scaling: 1).Values);
    }
}
