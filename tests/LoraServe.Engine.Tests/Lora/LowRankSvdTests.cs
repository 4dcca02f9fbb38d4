using FsCheck.Xunit;
using LoraServe.Engine.Lora;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Lora;

public class LowRankSvdTests
{
    [Property(MaxTest = 200)]
    public void Approximation_RandomFactors_HasTheLeastPossibleError(byte rank, byte features, byte outputs, byte kept, int seed)
    {
        using var scope = NewDisposeScope();
        var (r, inFeatures, outFeatures) = (1 + (rank % 12), 1 + (features % 20), 1 + (outputs % 20));
        var k = 1 + (kept % Math.Min(r, Math.Min(inFeatures, outFeatures)));
        var (a, b) = (RandomMatrix.Of(r, inFeatures, seed), RandomMatrix.Of(outFeatures, r, seed + 1));
        var full = b.mm(a);

        var best = LowRankSvd.Of(a, b).Approximation(k);

        best.A.shape.ShouldBe([k, inFeatures]);
        best.B.shape.ShouldBe([outFeatures, k]);
        var error = linalg.norm(full - best.B.mm(best.A)).item<float>();
        var energy = linalg.svdvals(full).data<float>().ToArray().Skip(k).Sum(value => (double)value * value);
        // Rounding is relative to the factors: in a product whose terms cancel, it is large beside the product.
        error.ShouldBe((float)Math.Sqrt(energy), 2e-6f * linalg.norm(a).item<float>() * linalg.norm(b).item<float>());
    }

    [Fact]
    public void Approximation_AnyUpdate_HasFactorsOfTheSameSize()
    {
        using var scope = NewDisposeScope();

        var best = LowRankSvd.Of(RandomMatrix.Of(8, 30, seed: 1) * 1e-3f, RandomMatrix.Of(20, 8, seed: 2) * 1e3f).Approximation(3);

        linalg.norm(best.A).item<float>().ShouldBe(linalg.norm(best.B).item<float>(), 1e-4f);
    }

    [Fact]
    public void Approximation_ProductOfZeros_IsZero()
    {
        using var scope = NewDisposeScope();

        var best = LowRankSvd.Of(zeros(4, 6), RandomMatrix.Of(5, 4, seed: 1)).Approximation(2);

        best.B.mm(best.A).count_nonzero().item<long>().ShouldBe(0);
    }

    [Fact]
    public void Approximation_InsideScopeAndInferenceMode_OutlivesBoth()
    {
        (Tensor A, Tensor B) best;
        using (NewDisposeScope())
        using (inference_mode())
        {
            best = LowRankSvd.Of(RandomMatrix.Of(4, 6, seed: 1), RandomMatrix.Of(5, 4, seed: 2)).Approximation(2);
        }

        best.A.is_contiguous().ShouldBeTrue();
        best.B.is_contiguous().ShouldBeTrue();
        best.B.mul_(2).IsInvalid.ShouldBeFalse();
        best.A.Dispose();
        best.B.Dispose();
    }
}
