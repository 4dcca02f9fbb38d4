using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Tests.Sequences;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Scheduling;

public sealed class PrefixCacheTests
{
    private const int BlockSize = 4;

    private static readonly int[] Prompt = [.. Enumerable.Range(100, 18)];

    private readonly KvBlockPool _blocks = new(20, BlockSize);
    private readonly PrefixCache _cache;
    private long _lastId;

    public PrefixCacheTests() => _cache = new PrefixCache(_blocks, isEnabled: true);

    [Fact]
    public void TryHold_SamePrompt_SharesItsFullBlocks()
    {
        var first = Computed(Prompt);

        var second = Held(Prompt);

        (second.CachedTokens, second.ComputedTokens).ShouldBe((16, 16));
        second.Blocks.Take(4).ShouldBe(first.Blocks.Take(4));
        second.Blocks[4].ShouldNotBe(first.Blocks[4]);
        _blocks.Used.ShouldBe(6);
        first.Blocks.Select(_blocks.Holders).ShouldBe([2, 2, 2, 2, 1]);
    }

    [Fact]
    public void TryHold_WholePromptIsCached_LeavesItsLastTokenToCompute()
    {
        Computed([.. Prompt, 0, 0, 0]);

        var second = Held(Prompt[..16]);

        (second.CachedTokens, second.PendingTokens).ShouldBe((12, 4));
    }

    [Fact]
    public void TryHold_PromptBranchesOff_SharesUpToThere()
    {
        Computed(Prompt);

        Held([.. Prompt[..10], 7, .. Prompt[11..]]).CachedTokens.ShouldBe(8);
        Held([7, .. Prompt[1..]]).CachedTokens.ShouldBe(0);
    }

    [Theory]
    [InlineData("a", null, "", 16)]
    [InlineData("b", null, "", 0)]
    [InlineData("base", null, "", 0)]
    [InlineData("a", MergeMode.Merged, "", 0)]
    [InlineData("a", null, "other tenant", 0)]
    public void TryHold_AfterAdapterA_SharesOnlyWithinItsScope(string adapter, MergeMode? mode, string salt, int cached)
    {
        Computed(Prompt, "a");

        Held(Prompt, adapter, mode: mode, salt: salt).CachedTokens.ShouldBe(cached);
    }

    [Fact]
    public void TryHold_BaseInAnyMode_SharesWithTheBase()
    {
        Computed(Prompt, mode: MergeMode.Merged);

        Held(Prompt, mode: MergeMode.Unmerged).CachedTokens.ShouldBe(16);
    }

    [Fact]
    public void TryHold_ActivatedLora_SharesTheBlocksBeforeItsInvocationWithTheBase()
    {
        int[] invoked = [.. Prompt[..10], 1, 2, .. Prompt[12..]];
        Computed(invoked);

        var activated = Computed(invoked, "activated", invocation: [1, 2]);

        activated.CachedTokens.ShouldBe(8);
        Held(invoked, "activated", invocation: [1, 2]).CachedTokens.ShouldBe(16);
        Held(invoked, "other", invocation: [1, 2]).CachedTokens.ShouldBe(8);
        Held(Prompt, "activated", invocation: [1, 2]).CachedTokens.ShouldBe(8, "without an invocation it is the base");
        Held(invoked, "a").CachedTokens.ShouldBe(0);
    }

    // The same tokens in the same block, of which the adapter acts on another part: the invocation may end in the next block.
    [Fact]
    public void TryHold_SameBlockWithAnotherInvocation_IsNotShared()
    {
        Computed([1, 2, 9, 1, 2, 9, 9, 9, 9, 9], "activated", invocation: [1, 2]);

        Held([1, 2, 9, 1, 3, 9, 9, 9, 9, 9], "activated", invocation: [1, 2]).CachedTokens.ShouldBe(0);
    }

    [Fact]
    public void TryHold_PromptLogprobs_ReadsNothing()
    {
        Computed(Prompt);

        var second = new SubmittedSequence(Prompt, new SamplingParams { PromptLogprobs = 0 }, ++_lastId).Sequence;
        _cache.TryHold(second, 6).ShouldBeTrue();

        second.CachedTokens.ShouldBe(0);
        _cache.Queries.ShouldBe(18);
    }

    [Fact]
    public void TryHold_NotEnoughFree_HoldsNothing()
    {
        var first = Computed(Prompt);

        var second = New(Prompt);
        _cache.TryHold(second, 20).ShouldBeFalse();

        second.Blocks.ShouldBeEmpty();
        first.Blocks.Select(_blocks.Holders).ShouldAllBe(holders => holders == 1);
        _cache.Queries.ShouldBe(18);
        _cache.TryHold(second, 19).ShouldBeTrue("four of them are shared");
    }

    [Fact]
    public void Release_ThenHoldAgain_FindsThePrefixUntilItsBlocksAreNeeded()
    {
        _cache.Release(Computed(Prompt));
        (_blocks.Used, _blocks.Cached).ShouldBe((0, 4));
        var again = Held(Prompt);
        again.CachedTokens.ShouldBe(16);
        _cache.Release(again);

        var large = New([1]);
        _cache.TryHold(large, 17).ShouldBeTrue("cached blocks are free ones");

        Held(Prompt[..9]).CachedTokens.ShouldBe(8, "the end of a prefix goes before its beginning");
    }

    [Fact]
    public void Release_TwoPrefixes_TheLeastRecentlyUsedOneGoesFirst()
    {
        int[] other = [.. Prompt.Select(token => token + 100)];
        var (old, recent) = (Computed(Prompt), Computed(other));
        _cache.Release(old);
        _cache.Release(recent);
        _cache.Release(Held(Prompt));

        _cache.TryHold(New([1]), 15).ShouldBeTrue();

        var held = Held(Prompt);
        held.CachedTokens.ShouldBe(16);
        _cache.Release(held);
        Held(other).CachedTokens.ShouldBe(0);
    }

    [Fact]
    public void Publish_BothComputedTheSame_GoOnWithOneCopy()
    {
        var (first, second) = (Held(Prompt), Held(Prompt));

        Compute(first);
        Compute(second);

        second.Blocks.Take(4).ShouldBe(first.Blocks.Take(4));
        _blocks.Used.ShouldBe(6);
    }

    [Fact]
    public void Advance_AnotherComputedIt_PassesOverIt()
    {
        var (first, second) = (Held(Prompt), Held(Prompt));
        second.ComputedTokens = 4;
        _cache.Publish(second);
        Compute(first);

        _cache.Advance(second);

        (second.ComputedTokens, second.CachedTokens).ShouldBe((16, 12));
        second.Blocks.Take(4).ShouldBe(first.Blocks.Take(4));
        _cache.Hits.ShouldBe(12);
    }

    [Fact]
    public void Advance_AmidABlock_ComputesItsOwn()
    {
        var (first, second) = (Held(Prompt), Held(Prompt));
        second.ComputedTokens = 2;
        Compute(first);

        _cache.Advance(second);

        second.ComputedTokens.ShouldBe(2);
    }

    [Fact]
    public void Publish_GeneratedTokens_AreSharedWithTheNextTurn()
    {
        var first = Computed(Prompt);
        foreach (var token in (int[])[201, 202, 203]) first.Append(new SampledToken(token, Logprobs: null));
        Compute(first);

        Held([.. Prompt, 201, 202, 203, 204]).CachedTokens.ShouldBe(20);
    }

    [Fact]
    public void TryHold_Disabled_SharesNothing()
    {
        var cache = new PrefixCache(_blocks, isEnabled: false);
        var first = New(Prompt);
        cache.TryHold(first, 6);
        first.ComputedTokens = 18;
        cache.Publish(first);
        cache.Release(first);

        var second = New(Prompt);
        cache.TryHold(second, 6).ShouldBeTrue();

        (second.CachedTokens, _blocks.Cached, cache.Queries).ShouldBe((0, 0, 0L));
    }

    private Sequence New(
        int[] prompt, string adapter = "base", IReadOnlyList<int>? invocation = null, MergeMode? mode = null, string salt = "") =>
        new SubmittedSequence(
            prompt, new SamplingParams { MaxTokens = 4 }, ++_lastId, adapter, invocation: invocation, mode: mode, salt: salt).Sequence;

    private Sequence Held(
        int[] prompt, string adapter = "base", IReadOnlyList<int>? invocation = null, MergeMode? mode = null, string salt = "")
    {
        var sequence = New(prompt, adapter, invocation, mode, salt);
        _cache.TryHold(sequence, (int)_blocks.BlocksFor(prompt.Length)).ShouldBeTrue();
        return sequence;
    }

    private Sequence Computed(
        int[] prompt, string adapter = "base", IReadOnlyList<int>? invocation = null, MergeMode? mode = null, string salt = "")
    {
        var sequence = Held(prompt, adapter, invocation, mode, salt);
        Compute(sequence);
        return sequence;
    }

    private void Compute(Sequence sequence)
    {
        sequence.ComputedTokens = Math.Min(sequence.Tokens.Length, sequence.Blocks.Count * BlockSize);
        _cache.Publish(sequence);
    }
}
