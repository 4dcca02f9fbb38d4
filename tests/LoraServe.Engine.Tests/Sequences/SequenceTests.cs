using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Sequences;

public sealed class SequenceTests
{
    [Theory]
    [InlineData(5, false, null)]
    [InlineData(SubmittedSequence.Eos, false, FinishReason.Stop)]
    [InlineData(SubmittedSequence.Eos, true, null)]
    [InlineData(7, false, FinishReason.Stop)]
    [InlineData(7, true, FinishReason.Stop)]
    public void Append_Token_EndsAtStopTokens(int token, bool ignoreEos, FinishReason? reason)
    {
        var submitted = new SubmittedSequence([1], new SamplingParams { IgnoreEos = ignoreEos, StopTokenIds = [7] });

        submitted.Sequence.Append(new SampledToken(token, Logprobs: null)).ShouldBe(reason);

        submitted.Read().ShouldBe([new GeneratedToken(token, Logprobs: null, reason)]);
    }

    [Fact]
    public void Append_LastToken_EndsForLengthUnlessItIsAStopToken()
    {
        SubmittedSequence.OfLength(3, maxTokens: 1).Sequence.Append(new SampledToken(5, Logprobs: null)).ShouldBe(FinishReason.Length);
        SubmittedSequence.OfLength(3, maxTokens: 1).Sequence.Append(new SampledToken(SubmittedSequence.Eos, Logprobs: null)).ShouldBe(FinishReason.Stop);
    }

    [Fact]
    public async Task End_WithError_FailsBothReadersAndReleasesTheAdapterOnce()
    {
        var submitted = SubmittedSequence.OfLength(3, maxTokens: 1);
        var error = new InvalidOperationException("broken");

        submitted.Sequence.End(error);
        submitted.Sequence.End(error: null);

        (await Should.ThrowAsync<InvalidOperationException>(submitted.Completion)).ShouldBeSameAs(error);
        (await Should.ThrowAsync<InvalidOperationException>(submitted.PromptLogprobs)).ShouldBeSameAs(error);
        submitted.Releases.ShouldBe(1);
    }

    [Fact]
    public void Seed_NotGiven_DiffersBetweenSequences() =>
        SubmittedSequence.OfLength(1, 1).Sequence.Seed.ShouldNotBe(SubmittedSequence.OfLength(1, 1).Sequence.Seed);
}
