using FsCheck.Xunit;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Scheduling;

public sealed class KvBlockPoolTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(16, 1)]
    [InlineData(17, 2)]
    [InlineData(5_000_000_000, 312_500_000)]
    public void BlocksFor_Tokens_RoundsUp(long tokens, long blocks) => new KvBlockPool(1).BlocksFor(tokens).ShouldBe(blocks);

    [Fact]
    public void TryAllocate_MoreThanFree_TakesNone()
    {
        var pool = new KvBlockPool(3);
        var blocks = new List<int>();
        pool.TryAllocate(2, blocks).ShouldBeTrue();

        pool.TryAllocate(2, blocks).ShouldBeFalse();

        blocks.Count.ShouldBe(2);
        pool.Used.ShouldBe(2);
    }

    [Fact]
    public void Free_BlockThatIsFree_Throws()
    {
        var pool = new KvBlockPool(3);
        var blocks = new List<int>();
        pool.TryAllocate(1, blocks);
        List<int> copy = [.. blocks];
        pool.Free(blocks);

        Should.Throw<InvalidOperationException>(() => pool.Free(copy));
    }

    [Property]
    public void TryAllocate_AnyOrderOfUse_NeverSharesABlock(byte[] requests)
    {
        var pool = new KvBlockPool(20);
        var holders = new List<List<int>>();
        foreach (var request in requests)
        {
            var blocks = new List<int>();
            if (request % 3 == 0 && holders.Count > 0)
            {
                pool.Free(holders[request % holders.Count]);
                holders.RemoveAt(request % holders.Count);
            }
            else if (pool.TryAllocate(request % 8, blocks))
            {
                holders.Add(blocks);
            }

            var held = holders.SelectMany(holder => holder).ToList();
            held.ShouldBeUnique();
            held.ShouldAllBe(block => block >= 0 && block < 20);
            pool.Used.ShouldBe(held.Count);
        }
    }

    [Fact]
    public void Free_BlockOfTwoHolders_IsFreeAfterTheSecond()
    {
        var pool = new KvBlockPool(3);
        var blocks = new List<int>();
        pool.TryAllocate(1, blocks);
        var block = blocks[0];
        pool.Hold(block);

        pool.Free(block);
        (pool.Used, pool.Holders(block)).ShouldBe((1, 1));
        pool.Free(block);

        (pool.Used, pool.Holders(block)).ShouldBe((0, 0));
    }

    [Fact]
    public void TryAllocate_BlocksWithContent_AreHandedOutLastAndLoseIt()
    {
        var pool = new KvBlockPool(3);
        var root = CachedBlock.Root();
        var scope = PrefixScope.Base("");
        List<int> blocks = [];
        pool.TryAllocate(2, blocks);
        List<int> contents = [.. blocks];
        foreach (var block in contents)
            pool.Keep(block, root.Add(scope, [block], block));
        pool.Free(contents[1]);
        pool.Free(contents[0]);
        pool.Cached.ShouldBe(2);

        blocks.Clear();
        pool.TryAllocate(2, blocks);

        blocks.ShouldBe([2, contents[1]]);
        pool.Cached.ShouldBe(1);
        root.Find(scope, [contents[1]]).ShouldBeNull();
        root.Find(scope, [contents[0]])!.Block.ShouldBe(contents[0]);
    }

    [Fact]
    public void TryAllocate_BlockThatOthersContinue_Throws()
    {
        var pool = new KvBlockPool(2);
        var scope = PrefixScope.Base("");
        List<int> blocks = [];
        pool.TryAllocate(2, blocks);
        var first = CachedBlock.Root().Add(scope, [1], blocks[0]);
        pool.Keep(blocks[0], first);
        first.Add(scope, [2], blocks[1]);
        pool.Free(blocks);

        Should.Throw<InvalidOperationException>(() => pool.TryAllocate(2, [])).Message.ShouldContain("before those that continue it");
    }

    [Fact]
    public void TryAllocate_BlockThatWasIndexed_StandsForOtherTokensWithoutGarbage()
    {
        var pool = new KvBlockPool(1);
        var (root, scope) = (CachedBlock.Root(), PrefixScope.Base(""));
        List<int> blocks = [];
        long garbage = 0;
        for (var i = 0; i < 10; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            pool.TryAllocate(1, blocks);
            pool.Keep(blocks[0], root.Add(scope, [i, i + 1], blocks[0]));
            pool.Free(blocks);
            if (i > 1) garbage += GC.GetAllocatedBytesForCurrentThread() - before;
            root.Find(scope, [i, i + 1]).ShouldNotBeNull();
            root.Find(scope, [i - 1, i]).ShouldBeNull();
        }

        garbage.ShouldBe(0);
    }
}
