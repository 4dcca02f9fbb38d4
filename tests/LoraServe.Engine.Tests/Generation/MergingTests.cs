using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Tests.Models;
using LoraServe.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

public sealed class MergingTests : IDisposable
{
    private const string Adapter = "all-linear-r8";
    private const string Other = "rslora-r16";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TemporaryFolder _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Submit_ModeMergedForAllAdaptersAtOnce_EqualsReference()
    {
        await using var engine = Load(budget: null);
        var rows = GoldenRow.Load("llama-gqa").Where(row => row.Case is "base" or Adapter or Other).ToList();

        var outputs = await Task.WhenAll(rows.Select(row => Generate(engine, row.Case, row.Prompt, row.Greedy.Length, MergeMode.Merged)));

        for (var i = 0; i < rows.Count; i++) outputs[i].ShouldBe(rows[i].Greedy, rows[i].LogitsKey);
        engine.MergedSlots.ShouldNotBeEmpty();
        engine.MergedBytesUsed.ShouldBeLessThanOrEqualTo(engine.MergedBytesBudget);
        (await engine.ComputeChecksumAsync()).ShouldBe(engine.Model.Checksum);
    }

    [Fact]
    public async Task UnmergeAsync_AfterMergeAsync_LeavesNothing()
    {
        await using var engine = Load(budget: null);
        using var lease = await engine.Adapters.AcquireAsync(Adapter, CancellationToken.None);

        await engine.MergeAsync(lease, CancellationToken.None).WaitAsync(Patience);
        var merged = engine.MergedSlots;
        var explanation = engine.ExplainMerge(lease.Version);
        var isUnmerged = await engine.UnmergeAsync(lease.Version);

        merged.ShouldHaveSingleItem().ShouldBe(new MergedSlotInfo(lease.Version, explanation.Bytes, IsPinned: true));
        explanation.Explanation.ShouldContain("by hand");
        isUnmerged.ShouldBeTrue();
        engine.MergedBytesUsed.ShouldBe(0);
        engine.ExplainMerge(lease.Version).IsMerged.ShouldBeFalse();
        (await engine.UnmergeAsync(lease.Version)).ShouldBeFalse();
    }

    [Fact]
    public async Task UnmergeAsync_WhileASequenceNeedsIt_WaitsForItsEnd()
    {
        await using var engine = Load(budget: null);
        var lease = await engine.Adapters.AcquireAsync(Adapter, CancellationToken.None);
        using var stream = Submit(engine, lease, [1, 2, 3], 200, MergeMode.Merged);
        await stream.Tokens.ReadAsync();

        (await engine.UnmergeAsync(lease.Version)).ShouldBeTrue();
        (await stream.Tokens.ReadAllAsync().ToListAsync()).Count.ShouldBe(199);
        await Generate(engine, "base", [1, 2], 2, MergeMode.Auto);

        engine.MergedSlots.ShouldBeEmpty();
    }

    [Fact]
    public async Task Submit_ModeMergedWithoutBudget_FailsWithTheReason()
    {
        await using var engine = Load(budget: 0);

        var error = await Should.ThrowAsync<MergedSlotsFullException>(() => Generate(engine, Adapter, [1, 2], 3, MergeMode.Merged));

        error.Message.ShouldContain("budget for merged weights is 0 bytes");
        (await Generate(engine, Adapter, [1, 2], 3, MergeMode.Auto)).Length.ShouldBe(3);
        (await Generate(engine, "base", [1, 2], 3, MergeMode.Merged)).Length.ShouldBe(3);
    }

    [Fact]
    public async Task MergeAsync_WhereThePinnedOneFillsTheBudget_FailsAndNamesTheWayOut()
    {
        await using var engine = Load(budget: null);
        using var first = await engine.Adapters.AcquireAsync(Adapter, CancellationToken.None);
        using var second = await engine.Adapters.AcquireAsync(Other, CancellationToken.None);
        await engine.MergeAsync(first, CancellationToken.None);

        (await Should.ThrowAsync<MergedSlotsFullException>(() => engine.MergeAsync(second, CancellationToken.None)))
            .Message.ShouldContain("unmerge");
        await engine.UnmergeAsync(first.Version);
        await engine.MergeAsync(second, CancellationToken.None);

        engine.MergedSlots.ShouldHaveSingleItem().Version.ShouldBe(second.Version);
    }

    [Fact]
    public async Task Dispose_StreamThatWaitsForRoom_LetsGoOfTheAdapter()
    {
        await using var engine = Load(budget: null);
        using var running = Submit(
            engine, await engine.Adapters.AcquireAsync(Adapter, CancellationToken.None), [1, 2, 3], 200, MergeMode.Merged);
        await running.Tokens.ReadAsync();
        using var other = await engine.Adapters.AcquireAsync(Other, CancellationToken.None);
        var released = new TaskCompletionSource();
        var waiting = Submit(engine, new AdapterLease(other.Adapter, released.SetResult), [1, 2], 3, MergeMode.Merged);

        waiting.Dispose();

        await released.Task.WaitAsync(Patience);
        await Should.NotThrowAsync(async () => await waiting.Tokens.Completion.WaitAsync(Patience));
        (await running.Tokens.ReadAllAsync().ToListAsync()).Count.ShouldBe(199);
    }

    [Fact]
    public async Task Submit_ManyModesAdaptersAndCancellations_KeepsTheBudgetAndLeavesNoUser()
    {
        await using var engine = Load(budget: null);
        string[] adapters = ["base", Adapter, Other, "rank-32"];
        await Parallel.ForAsync(0, 60, async (i, cancellation) =>
        {
            var name = adapters[i % adapters.Length];
            var lease = name == "base" ? AdapterLease.Base() : await engine.Adapters.AcquireAsync(name, cancellation);
            using var stream = Submit(engine, lease, [1, 2 + i], 5 + (i % 7), (MergeMode)(i % 3));
            if (i % 5 == 0) return;
            await foreach (var token in stream.Tokens.ReadAllAsync(cancellation)) token.TokenId.ShouldBeGreaterThanOrEqualTo(0);
            engine.MergedBytesUsed.ShouldBeLessThanOrEqualTo(engine.MergedBytesBudget);
        });

        // One command's round trip: what was sent before it has been taken up.
        await engine.ComputeChecksumAsync();
        SpinWait.SpinUntil(() => engine.Status is { Running: 0, Queued: 0 }, Patience).ShouldBeTrue();
        await Generate(engine, "base", [1, 2], 2, MergeMode.Auto);
        foreach (var slot in engine.MergedSlots) await engine.UnmergeAsync(slot.Version);

        engine.MergedSlots.ShouldBeEmpty();
    }

    private LlmEngine Load(long? budget)
    {
        var engine = LlmEngine.Load(
            new EngineOptions
            {
                Model = GoldenData.Path("checkpoints", "llama-gqa"),
                Adapters = GoldenAdapters(),
                Data = _data.File("data"),
                Dtype = "float32",
                Threads = 1,
                MaxNumBatchedTokens = 64,
                KvCacheMemory = 8,
                MergedBytes = budget,
            },
            progress: null,
            NullLoggerFactory.Instance);
        return engine;
    }

    private string GoldenAdapters()
    {
        var folder = Directory.CreateDirectory(_data.File("adapters")).FullName;
        foreach (var name in (string[])[Adapter, Other, "rank-32"])
        {
            var copy = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
            foreach (var file in Directory.GetFiles(GoldenData.Path("adapters", "llama-gqa", name)))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)), overwrite: true);
        }

        return folder;
    }

    private static TokenStream Submit(LlmEngine engine, AdapterLease lease, IReadOnlyList<int> prompt, int tokens, MergeMode mode) =>
        engine.Submit(new GenerationRequest
        {
            Prompt = prompt,
            Sampling = new SamplingParams { Temperature = 0, MaxTokens = tokens, IgnoreEos = true },
            Adapter = lease,
            Mode = mode,
        });

    private static async Task<int[]> Generate(LlmEngine engine, string adapter, int[] prompt, int tokens, MergeMode mode)
    {
        var lease = adapter == "base" ? AdapterLease.Base() : await engine.Adapters.AcquireAsync(adapter, CancellationToken.None);
        using var stream = Submit(engine, lease, prompt, tokens, mode);
        return await stream.Tokens.ReadAllAsync().Select(token => token.TokenId).ToArrayAsync();
    }
}
