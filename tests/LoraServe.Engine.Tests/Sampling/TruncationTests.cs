using FsCheck.Xunit;
using LoraServe.Engine.Sampling;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Sampling;

public sealed class TruncationTests
{
    [Property(MaxTest = 300)]
    public void Apply_AnyParameters_KeepsWhatAFullSortKeeps(byte[] scores, byte topK, byte topP, byte minP, bool noTopP)
    {
        float[] distances = [0, .. scores.Select(score => score / 64f)];
        var weights = Array.ConvertAll(distances, distance => MathF.Exp(-distance));
        var sampling = new SamplingParams { TopK = topK % 40, TopP = noTopP ? 1 : topP / 255f, MinP = minP % 4 == 0 ? minP / 255f : 0 };
        var expected = Expected(distances, weights, sampling);

        new Truncation(distances.Length).Apply(distances, weights, sampling);

        weights.ShouldBe(expected);
    }

    [Property]
    public void Apply_TopK_KeepsExactlyK(byte[] scores, byte topK)
    {
        float[] distances = [0, .. scores.Select(score => score % 3)];
        var weights = Array.ConvertAll(distances, distance => MathF.Exp(-distance));

        new Truncation(distances.Length).Apply(distances, weights, new SamplingParams { TopK = topK });

        weights.Count(weight => weight > 0).ShouldBe(topK == 0 ? distances.Length : Math.Min(topK, distances.Length));
    }

    [Fact]
    public void Apply_TopKAndTopP_TopPIsAFractionOfWhatTopKKeeps() =>
        Apply([1, 0.5f, 0.5f, 0.5f, 0.5f], new SamplingParams { TopK = 2, TopP = 0.6f }).ShouldBe([1, 0, 0, 0, 0]);

    [Fact]
    public void Apply_TopPReachedExactly_StopsThere() => Apply([1, 0.5f, 0.25f, 0.25f], new SamplingParams { TopP = 0.75f }).ShouldBe([1, 0.5f, 0, 0]);

    [Fact]
    public void Apply_ProbabilityOfExactlyMinP_Stays() => Apply([1, 0.5f, 0.25f], new SamplingParams { MinP = 0.5f }).ShouldBe([1, 0.5f, 0]);

    private static float[] Apply(float[] weights, SamplingParams sampling)
    {
        new Truncation(weights.Length).Apply(Array.ConvertAll(weights, weight => MathF.Log2(1 / weight)), weights, sampling);
        return weights;
    }

    // The definition: sort, walk, stop.
    private static float[] Expected(float[] distances, float[] weights, SamplingParams sampling)
    {
        var order = Enumerable.Range(0, weights.Length).OrderBy(token => distances[token]).ThenBy(token => token).ToList();
        var kept = sampling.TopK > 0 ? order[..Math.Min(sampling.TopK, order.Count)] : order;
        var target = sampling.TopP * kept.Sum(token => (double)weights[token]);
        var result = new float[weights.Length];
        double before = 0;
        foreach (var token in kept)
        {
            if (token != kept[0] && ((sampling.TopP < 1 && before >= target) || weights[token] < sampling.MinP))
                break;

            result[token] = weights[token];
            before += weights[token];
        }

        return result;
    }
}
