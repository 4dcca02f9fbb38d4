using FsCheck.Xunit;
using LoraServe.Engine.Sampling;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Sampling;

public sealed class LogSoftmaxTests
{
    [Property]
    public void Logprobs_AnyLogits_AreTheDefinition(sbyte[] steps, byte top)
    {
        float[] logits = [1, .. steps.Select(step => step / 8f)];
        var normaliser = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        var best = Enumerable.Range(0, logits.Length).OrderByDescending(token => logits[token]).ThenBy(token => token).Take(top).ToList();

        var logprobs = LogSoftmax.Logprobs(logits, token: 0, top);

        logprobs.Logprob.ShouldBe((float)(logits[0] - normaliser), 1e-5f);
        logprobs.Top.Select(alternative => alternative.TokenId).ShouldBe(best);
        foreach (var alternative in logprobs.Top)
            alternative.Logprob.ShouldBe((float)(logits[alternative.TokenId] - normaliser), 1e-5f);
    }

    [Fact]
    public void Logprobs_LogitsFarFromZero_DoNotOverflow()
    {
        var logprobs = LogSoftmax.Logprobs([10_000, 10_000, float.NegativeInfinity, -10_000], token: 1, top: 1);

        logprobs.Logprob.ShouldBe(-MathF.Log(2), 1e-3f);
        logprobs.Top.ShouldHaveSingleItem().TokenId.ShouldBe(0);
    }

    [Fact]
    public void Logprobs_Nan_Throws() => Should.Throw<NotFiniteNumberException>(() => LogSoftmax.Logprobs([1, float.NaN], token: 0, top: 0));
}
