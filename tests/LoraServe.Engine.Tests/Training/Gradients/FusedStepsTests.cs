using LoraServe.Engine.Training.Gradients;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Training.Gradients;

/// <summary>Each fused step against the same step in libtorch operations in float32.</summary>
public class FusedStepsTests
{
    private const int Rows = 7;
    private const int Size = 96;

    public static TheoryData<ScalarType> Types => [ScalarType.Float32, ScalarType.BFloat16];

    [Theory]
    [MemberData(nameof(Types))]
    public void Norm_AndBack_EqualsLibtorch(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var (x, w, dy, rest) = (Random(type, 1, Rows, Size), Random(type, 2, Size), Random(type, 3, Rows, Size), Random(type, 4, Rows, Size));
        var (wide, y) = (Leaf(x), empty_like(x));
        var expected = wide * ((wide * wide).mean([-1], keepdim: true) + 1e-5).rsqrt() * w.to(ScalarType.Float32);
        (expected * dy.to(ScalarType.Float32)).sum().backward();

        FusedSteps.Norm(x, w, 1e-5f, y);
        FusedSteps.NormBackward(dy, x, w, rest, 1e-5f);

        ShouldEqual(y, expected);
        ShouldEqual(dy, wide.grad! + rest.to(ScalarType.Float32));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void SwiGlu_AndBack_EqualsLibtorch(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var (gate, up, dy) = (Random(type, 1, Rows, Size) * 4, Random(type, 2, Rows, Size), Random(type, 3, Rows, Size));
        gate = gate.to(type);
        var (wideGate, wideUp) = (Leaf(gate), Leaf(up));
        var expected = nn.functional.silu(wideGate) * wideUp;
        (expected * dy.to(ScalarType.Float32)).sum().backward();
        var (y, dgate, dup) = (empty_like(gate), empty_like(gate), empty_like(gate));

        FusedSteps.SwiGlu(gate, up, y);
        FusedSteps.SwiGluBackward(dy, gate, up, dgate, dup);

        ShouldEqual(y, expected);
        ShouldEqual(dgate, wideGate.grad!);
        ShouldEqual(dup, wideUp.grad!);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void CrossEntropy_WithGradient_EqualsLibtorch(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var logits = (Random(type, 1, Rows, Size) * 5).to(type);
        var wide = Leaf(logits);
        var best = wide.argmax(1);
        var targets = where(arange(Rows).lt(3), best, (best + 1).remainder(Size));
        var expected = nn.functional.cross_entropy(wide, targets, reduction: nn.Reduction.Sum);
        (expected * 0.5).backward();

        var (loss, correct) = FusedSteps.CrossEntropy(logits, targets, 0.5f);

        loss.ShouldBe(expected.item<float>(), 1e-3);
        correct.ShouldBe(3);
        ShouldEqual(logits, wide.grad!);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Rotate_ThereAndBack_IsTheStart(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var x = Random(type, 1, Rows, 3, 64);
        var (start, angles) = (x.clone(), Random(ScalarType.Float32, 2, Rows, 32));
        var (cosine, sine) = (angles.cos(), angles.sin());
        var (first, second) = (Wide(start).narrow(2, 0, 32), Wide(start).narrow(2, 32, 32));
        var (c, s) = (cosine.unsqueeze(1), sine.unsqueeze(1));

        FusedSteps.Rotate(x, cosine, sine, 1);
        ShouldEqual(x, cat([(first * c) - (second * s), (second * c) + (first * s)], dim: 2));

        FusedSteps.Rotate(x, cosine, sine, -1);
        ShouldEqual(x, start, 3);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(5)]
    public void Softmax_AndBack_EqualsLibtorch(int? window)
    {
        const int Queries = 9;
        const int Keys = 37;
        const int Position = Keys - Queries;
        using var scope = NewDisposeScope();
        var (scores, dp) = (Random(ScalarType.Float32, 1, 2, 2 * Queries, Keys), Random(ScalarType.Float32, 2, 2, 2 * Queries, Keys));
        var age = (arange(Queries).unsqueeze(1) + Position - arange(Keys).unsqueeze(0)).repeat(2, 1);
        var hidden = window is { } w ? age.lt(0).logical_or(age.ge(w)) : age.lt(0);
        var wide = Leaf(scores);
        var expected = (wide * 0.3).masked_fill(hidden, double.NegativeInfinity).softmax(-1);
        (expected * dp).sum().backward();

        FusedSteps.Softmax(scores, Queries, Position, window, 0.3f);
        FusedSteps.SoftmaxBackward(scores, dp, 0.3f);

        ShouldEqual(scores, expected);
        ShouldEqual(dp, wide.grad!);
    }

    private static Tensor Random(ScalarType type, ulong seed, params long[] shape)
    {
        using var generator = new Generator(seed);
        return randn(shape, generator: generator).to(type);
    }

    private static Tensor Wide(Tensor tensor) => tensor.to(ScalarType.Float32);

    private static Tensor Leaf(Tensor tensor) => Wide(tensor).clone().requires_grad_(true);

    // bfloat16 has 8 bits: results are rounded once or twice.
    private static void ShouldEqual(Tensor actual, Tensor expected, int roundings = 1)
    {
        var tolerance = actual.dtype == ScalarType.BFloat16 ? roundings * 0.01 : 2e-5;
        var error = (Wide(actual) - Wide(expected).detach()).abs() / (1 + Wide(expected).detach().abs());
        error.max().item<float>().ShouldBeLessThan((float)tolerance);
    }
}
