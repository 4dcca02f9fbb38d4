using FsCheck.Xunit;
using LoraServe.Engine.Adapters.Effects;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Effects;

public class KlDivergenceTests
{
    [Property(MaxTest = 200)]
    public void Of_RandomLogits_EqualsTheDefinition(ushort size, int seed, sbyte shift)
    {
        var random = new Random(seed);
        var p = Logits(random, 1 + (size % 100));
        var q = Logits(random, p.Length).Select(logit => logit + shift).ToArray();

        var divergence = KlDivergence.Of(p, q);

        var (logP, logQ) = (LogProbabilities(p), LogProbabilities(q));
        divergence.ShouldBe(logP.Zip(logQ, (a, b) => Math.Exp(a) * (a - b)).Sum(), 2e-5);
    }

    [Property(MaxTest = 100)]
    public void Of_TheSameDistributionShifted_IsNearlyZero(int seed)
    {
        var p = Logits(new Random(seed), 77);

        KlDivergence.Of(p, p).ShouldBe(0);
        KlDivergence.Of(p, [.. p.Select(logit => logit + 16)]).ShouldBeInRange(0, 1e-5);
    }

    [Fact]
    public void Of_TwoTokens_EqualsTheKnownValue() =>
        KlDivergence.Of([0, 0], [MathF.Log(3), 0]).ShouldBe((0.5 * Math.Log(0.5 / 0.75)) + (0.5 * Math.Log(0.5 / 0.25)), 1e-6);

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Of_LogitThatIsNotFinite_IsRefused(float logit) =>
        Should.Throw<NotFiniteNumberException>(() => KlDivergence.Of([1, 2, 3], [1, logit, 3]));

    private static float[] Logits(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 20) - 10)];

    private static double[] LogProbabilities(float[] logits)
    {
        var normaliser = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        return [.. logits.Select(logit => logit - normaliser)];
    }
}
