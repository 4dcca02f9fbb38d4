using FsCheck;
using FsCheck.Xunit;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Tests.Sequences;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Sampling;

public sealed class SamplerTests
{
    [Fact]
    public void Sample_Greedy_TakesTheLowestIdAmongEquals() => Sample([0, 3, 1, 3], new SamplingParams { Temperature = 0 }).ShouldBe(1);

    [Fact]
    public void Sample_Greedy_StillAppliesBiasAndPenalties()
    {
        var sampling = new SamplingParams { Temperature = 0, MaxTokens = 9, LogitBias = new Dictionary<int, float> { [0] = 2.5f } };

        Sample([0, 3, 1, 2], sampling).ShouldBe(1);
        Sample([0, 3, 1, 2], sampling with { RepetitionPenalty = 4 }, prompt: [1]).ShouldBe(0);
        Sample([0, 3, 1, 2], sampling with { PresencePenalty = 1 }, generated: [1]).ShouldBe(0);
        Sample([0, 3, 1, 2], sampling with { FrequencyPenalty = 0.2f }, generated: [1, 1]).ShouldBe(1);
        Sample([0, 3, 1, 2], sampling with { FrequencyPenalty = 0.2f }, generated: [1, 1, 1]).ShouldBe(0);
    }

    [Fact]
    public void Sample_PresencePenalty_SparesThePrompt() =>
        Sample([0, 3, 1, 2], new SamplingParams { Temperature = 0, PresencePenalty = 2, FrequencyPenalty = 2 }, prompt: [1, 1]).ShouldBe(1);

    [Theory]
    [InlineData(0, 2)]
    [InlineData(2, 1)]
    public void Sample_BeforeMinTokens_ChoosesNoStopToken(int minTokens, int expected)
    {
        var sampling = new SamplingParams { Temperature = 0, MaxTokens = 9, MinTokens = minTokens, StopTokenIds = [3, 1_000_000] };

        Sample([0, 1, 5, 4], sampling, generated: [0]).ShouldBe(expected);
    }

    [Fact]
    public void Sample_MinTokensReached_ChoosesStopTokenAgain() =>
        Sample([0, 1, 5, 4], new SamplingParams { Temperature = 0, MaxTokens = 9, MinTokens = 1 }, generated: [0]).ShouldBe(SubmittedSequence.Eos);

    [Fact]
    public void Sample_IgnoreEos_MayChooseEosBeforeMinTokens() =>
        Sample([0, 1, 5, 4], new SamplingParams { Temperature = 0, MinTokens = 5, IgnoreEos = true }).ShouldBe(SubmittedSequence.Eos);

    [Theory]
    [InlineData(float.Epsilon)]
    [InlineData(1e-30f)]
    [InlineData(1e-4f)]
    public void Probabilities_TinyTemperature_AreGreedy(float temperature) =>
        Probabilities([1, 2, 2, float.NegativeInfinity, 1.5f], new SamplingParams { Temperature = temperature }).ShouldBe([0, 0.5f, 0.5f, 0, 0]);

    [Fact]
    public void Probabilities_HugeTemperature_AreUniformButForImpossibleTokens() =>
        Probabilities([1, 2, 300, float.NegativeInfinity, -8], new SamplingParams { Temperature = float.MaxValue }).ShouldBe([0.25f, 0.25f, 0.25f, 0, 0.25f]);

    [Fact]
    public void Probabilities_HugeTemperatureAndTopK_KeepTheBestLogit() =>
        Probabilities([1, 2, 300, float.NegativeInfinity, -8], new SamplingParams { Temperature = float.MaxValue, TopK = 1 }).ShouldBe([0, 0, 1, 0, 0]);

    [Fact]
    public void Probabilities_ExtremeLogits_StayFinite() =>
        Probabilities([float.MaxValue, float.MinValue, 0, float.MaxValue], new SamplingParams { TopP = 0.99f }).ShouldBe([0.5f, 0, 0, 0.5f]);

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Sample_BrokenLogits_SaysSo(float broken)
    {
        foreach (var place in Enumerable.Range(0, 40))
        {
            var logits = new float[40];
            logits[place] = broken;

            Should.Throw<NotFiniteNumberException>(() => Sample(logits, new SamplingParams())).Message.ShouldContain("overflow");
            Should.Throw<NotFiniteNumberException>(() => Sample(logits, new SamplingParams { Temperature = 0 }));
        }
    }

    [Fact]
    public void Sample_AllMasked_SaysSo() =>
        Should.Throw<NotFiniteNumberException>(() => Sample([float.NegativeInfinity, float.NegativeInfinity], new SamplingParams())).Message.ShouldContain("No token is left");

    [Fact]
    public void Sample_WrongVocabulary_Throws() =>
        Should.Throw<ArgumentException>(() => new Sampler(5).Sample(new float[4], new SubmittedSequence([0], new SamplingParams()).Sequence.SamplingState));

    [Fact]
    public void Sample_ManySeeds_FollowsTheProbabilities()
    {
        var logits = Enumerable.Range(0, 3000).Select(token => token % 700 == 0 ? 8f : -6f).ToArray();
        var sampling = new SamplingParams { TopK = 5 };
        var sampler = new Sampler(logits.Length);

        var counts = Enumerable.Range(0, 5000)
            .Select(seed => sampler.Sample(logits, new SubmittedSequence([0], sampling with { Seed = seed }).Sequence.SamplingState).TokenId)
            .CountBy(token => token)
            .ToDictionary();

        counts.Keys.Order().ShouldBe([0, 700, 1400, 2100, 2800]);
        counts.Values.ShouldAllBe(count => count > 850 && count < 1150); // 5 standard deviations of 28
    }

    [Fact]
    public void Sample_SuccessivePositions_DrawAnew()
    {
        var sequence = new SubmittedSequence([0], new SamplingParams { Seed = 7, MaxTokens = 20 }).Sequence;
        var sampler = new Sampler(1000);
        for (var i = 0; i < 20; i++)
            sequence.Append(sampler.Sample(new float[1000], sequence.SamplingState));

        sequence.Generated.ToArray().Distinct().Count().ShouldBeGreaterThan(15);
    }

    [Property]
    public void Sample_SameSeedAndTokens_IsTheSameWhateverWasSampledBefore(long seed, sbyte[] others)
    {
        var logits = Logits(200, seed: 1);
        var sampling = new SamplingParams { Seed = seed, MaxTokens = 9, RepetitionPenalty = 1.2f, FrequencyPenalty = 0.1f, TopP = 0.9f };
        var alone = new SubmittedSequence([1, 2], sampling).Sequence;
        var together = new SubmittedSequence([1, 2], sampling).Sequence;
        var sampler = new Sampler(logits.Length);
        for (var i = 0; i < 5; i++)
        {
            foreach (var other in others)
                sampler.Sample(Logits(200, other), new SubmittedSequence([5, 6], new SamplingParams { TopK = 3, PresencePenalty = 1 }).Sequence.SamplingState);
            together.Append(sampler.Sample(logits, together.SamplingState));
            alone.Append(new Sampler(logits.Length).Sample(logits, alone.SamplingState));
        }

        together.Tokens.ToArray().ShouldBe(alone.Tokens.ToArray());
    }

    [Property]
    public void Sample_AnyParameters_ChoosesATokenOfPositiveProbability(long seed, byte topK, byte topP, byte minP)
    {
        var logits = Logits(1300, seed);
        var sampling = new SamplingParams { Seed = seed, TopK = topK, TopP = (topP + 1) / 256f, MinP = minP / 255f };
        var sequence = new SubmittedSequence([0], sampling).Sequence;
        var sampler = new Sampler(logits.Length);
        var token = sampler.Sample(logits, sequence.SamplingState).TokenId;

        var probabilities = sampler.Probabilities(logits, sequence.SamplingState);

        probabilities[token].ShouldBePositive();
        Softmax.Sum(probabilities).ShouldBe(1, 1e-5);
        var kept = probabilities.ToArray().Count(probability => probability > 0);
        kept.ShouldBeInRange(1, topK == 0 ? logits.Length : topK);
    }

    private static int Sample(float[] logits, SamplingParams sampling, int[]? prompt = null, int[]? generated = null) =>
        new Sampler(logits.Length).Sample(logits, After(sampling, prompt ?? [0], generated ?? []).SamplingState).TokenId;

    private static float[] Probabilities(float[] logits, SamplingParams sampling) =>
        new Sampler(logits.Length).Probabilities(logits, After(sampling, [0], []).SamplingState).ToArray();

    private static Sequence After(SamplingParams sampling, int[] prompt, int[] generated)
    {
        var sequence = new SubmittedSequence(prompt, sampling).Sequence;
        foreach (var token in generated)
            sequence.Append(new SampledToken(token, Logprobs: null));
        return sequence;
    }

    // Coarse steps, as bfloat16 gives them: many tokens are equally probable.
    private static float[] Logits(int count, long seed) =>
        [.. Enumerable.Range(0, count).Select(token => MathF.Round((float)TokenRandom.NextDouble(seed, token) * 40) / 4)];
}
