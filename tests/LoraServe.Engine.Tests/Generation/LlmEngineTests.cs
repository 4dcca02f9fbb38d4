using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Tests.Models;
using LoraServe.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

// Counts the tensors of the whole process, so nothing may run beside it.
[Collection(nameof(LlmEngineTests))]
[CollectionDefinition(nameof(LlmEngineTests), DisableParallelization = true)]
public sealed class LlmEngineTests : IAsyncLifetime
{
    private static readonly string[] AdapterNames = ["all-linear-r8", "attention-r4", "rank-32", "regex-targets", "rslora-r16"];

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _data = Directory.CreateTempSubdirectory("loraserve-test-").FullName;
    private LlmEngine _engine = null!;

    public ValueTask InitializeAsync()
    {
        _engine = LlmEngine.Load(Options(), progress: null, NullLoggerFactory.Instance);
        foreach (var name in AdapterNames)
        {
            using var upload = _engine.Adapters.BeginUpload();
            foreach (var file in Directory.GetFiles(GoldenData.Path("adapters", "llama-gqa", name)))
            {
                using var stream = File.OpenRead(file);
                upload.ReadFileAsync(Path.GetFileName(file), stream, CancellationToken.None).GetAwaiter().GetResult();
            }

            _engine.Adapters.AddAsync(name, upload, new AddOptions(), CancellationToken.None).GetAwaiter().GetResult();
        }

        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    [Fact]
    public async Task Submit_AllGoldenRowsAtOnce_EqualsReference()
    {
        var rows = GoldenRow.Load("llama-gqa").Where(row => row.Case == "base" || AdapterNames.Contains(row.Case)).ToList();

        var outputs = await Task.WhenAll(rows.Select(row => Generate(row.Case, row.Prompt, Greedy(row.Greedy.Length))));

        for (var i = 0; i < rows.Count; i++) outputs[i].ShouldBe(rows[i].Greedy, rows[i].LogitsKey);
    }

    [Fact]
    public async Task Submit_SameSeed_GivesTheSameTokensAloneAndInABatchOf16Others()
    {
        int[] prompt = [1, 17, 230, 5, 9];
        var sampling = new SamplingParams { Temperature = 1.2f, TopP = 0.9f, Seed = 42, MaxTokens = 40, IgnoreEos = true };
        var alone = await Generate("attention-r4", prompt, sampling);

        var others = Enumerable.Range(0, 16).Select(i => Generate(
            AdapterNames[i % AdapterNames.Length], [1, 2 + i, 7], sampling with { Seed = i, MaxTokens = 30 + i })).ToList();
        var together = await Generate("attention-r4", prompt, sampling);
        await Task.WhenAll(others);
        var otherSeed = await Generate("attention-r4", prompt, sampling with { Seed = 43 });

        together.ShouldBe(alone);
        otherSeed.ShouldNotBe(alone);
    }

    [Fact]
    public async Task Submit_PromptLongerThanAStep_GivesTheSameAsInOneStep()
    {
        int[] prompt = [.. Enumerable.Range(0, 200).Select(i => (i * 7 % 300) + 3)];
        await using var wide = LlmEngine.Load(
            Options() with { Data = Path.Combine(_data, "wide"), MaxNumBatchedTokens = 256 }, progress: null, NullLoggerFactory.Instance);
        using var stream = wide.Submit(new GenerationRequest { Prompt = prompt, Sampling = Greedy(20), Adapter = AdapterLease.Base() });
        var expected = await stream.Tokens.ReadAllAsync().Select(token => token.TokenId).ToArrayAsync();

        (await Generate("base", prompt, Greedy(20))).ShouldBe(expected);
    }

    [Fact]
    public async Task Dispose_StreamHalfWay_FreesItsBlocksAndLeavesTheOthersAlone()
    {
        var rows = GoldenRow.Load("llama-gqa").Where(row => row.Case == "base").ToList();
        var longSampling = Greedy(150);
        var cancelled = new List<TokenStream>();
        for (var i = 0; i < 8; i++)
        {
            var stream = Submit(await _engine.Adapters.AcquireAsync("rank-32", CancellationToken.None), [1, 5 + i], longSampling);
            await stream.Tokens.ReadAsync();
            cancelled.Add(stream);
        }

        var others = rows.Select(row => Generate("base", row.Prompt, Greedy(row.Greedy.Length))).ToList();
        foreach (var stream in cancelled) stream.Dispose();
        var outputs = await Task.WhenAll(others);
        await WhenIdle();

        outputs.ShouldBe(rows.Select(row => row.Greedy));
        (_engine.Status.Running, _engine.Status.Waiting, _engine.Status.KvBlocksUsed).ShouldBe((0, 0, 0));
    }

    [Fact]
    public async Task Submit_ManyRounds_LeavesNoTensorBehind()
    {
        await Round();
        // What others left to the finalizer would go meanwhile.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = torch.Tensor.TotalCount;
        await Round();
        await Round();
        var after = torch.Tensor.TotalCount;

        after.ShouldBe(before);

        async Task Round()
        {
            await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Generate(AdapterNames[i % AdapterNames.Length], [1, 3 + i], Greedy(9))));
            await WhenIdle();
        }
    }

    [Fact]
    public async Task Submit_AdapterThatBreaksTheStep_FailsOnlyItsBatch()
    {
        // Such an adapter never passes the door; it stands for whatever may go wrong in a step.
        using var broken = new LoraAdapter(new AdapterVersionId("broken"), new Dictionary<string, LinearUpdate>
        {
            ["model.layers.0.self_attn.q_proj"] = new LowRankUpdate(torch.ones(2, 3), torch.ones(3, 2)),
        });
        using var stream = Submit(new AdapterLease(broken, () => { }), [1, 2, 3], Greedy(4));

        await Should.ThrowAsync<GenerationFailedException>(async () => await stream.Tokens.ReadAllAsync().ToListAsync());
        await Submit_AllGoldenRowsAtOnce_EqualsReference();
        _engine.Status.KvBlocksUsed.ShouldBe(0);
    }

    [Fact]
    public async Task Submit_PromptLogprobs_HasOneForEachTokenButTheFirst()
    {
        var sampling = new SamplingParams { MaxTokens = 0, PromptLogprobs = 2 };
        using var stream = Submit(AdapterLease.Base(), [1, 17, 230, 5], sampling);

        var logprobs = await stream.PromptLogprobs;

        logprobs.Count.ShouldBe(4);
        logprobs[0].ShouldBeNull();
        logprobs.Skip(1).ShouldAllBe(entry => entry!.Logprob < 0 && entry.Top.Count == 2);
        (await stream.Tokens.ReadAllAsync().ToListAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(256, 1)]
    [InlineData(1, 256)]
    [InlineData(int.MaxValue, int.MaxValue)]
    public void CheckFits_MoreThanTheContext_IsRefused(int promptTokens, int maxTokens) =>
        Should.Throw<ContextLengthExceededException>(() => _engine.CheckFits(promptTokens, new SamplingParams { MaxTokens = maxTokens }))
            .Message.ShouldContain("maximum context length is 256 tokens");

    [Fact]
    public async Task Submit_ManyCancelsInTheQueue_AreNotTakenForWaitingSequences()
    {
        await using var small = LlmEngine.Load(
            Options() with { Data = Path.Combine(_data, "small"), MaxQueuedSeqs = 2 }, progress: null, NullLoggerFactory.Instance);
        for (var i = 0; i < 200; i++)
        {
            using var stream = small.Submit(new GenerationRequest { Prompt = [1, 2], Sampling = Greedy(3), Adapter = AdapterLease.Base() });
            await stream.Tokens.ReadAsync();
            for (var cancel = 0; cancel < 6; cancel++) stream.Dispose();
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(320)]
    public void Submit_TokenOutsideTheVocabulary_IsRefused(int token) =>
        Should.Throw<ArgumentException>(() => Submit(AdapterLease.Base(), [1, token], Greedy(1)));

    [Fact]
    public async Task DrainAsync_WithRunningSequences_FinishesThemAndRefusesNewOnes()
    {
        using var running = Submit(AdapterLease.Base(), [1, 2], Greedy(100));
        await running.Tokens.ReadAsync();

        await _engine.DrainAsync(TimeSpan.FromSeconds(30));

        _engine.Status.Running.ShouldBe(0);
        (await running.Tokens.ReadAllAsync().ToListAsync()).Count.ShouldBe(99);
        Should.Throw<EngineOverloadedException>(() => Submit(AdapterLease.Base(), [1], Greedy(1)));
    }

    [Fact]
    public async Task DisposeAsync_WithRunningSequences_FailsThem()
    {
        var engine = LlmEngine.Load(Options() with { Data = Path.Combine(_data, "second") }, progress: null, NullLoggerFactory.Instance);
        using var before = await EngineHold.TakeAsync(engine);
        var stream = engine.Submit(new GenerationRequest { Prompt = [1], Sampling = Greedy(250), Adapter = AdapterLease.Base() });
        using var hold = await before.StepAsync(engine);
        await stream.Tokens.ReadAsync();

        var disposing = Task.Run(async () => await engine.DisposeAsync());
        SpinWait.SpinUntil(() => engine.InvokeAsync(() => 0).IsFaulted, Patience).ShouldBeTrue();
        hold.Dispose();
        await disposing;

        await Should.ThrowAsync<GenerationFailedException>(async () => await stream.Tokens.ReadAllAsync().ToListAsync());
    }

    [Fact]
    public async Task ComputeChecksumAsync_AskedTwiceAtOnce_IsComputedOnce()
    {
        var held = new TaskCompletionSource();
        var holding = _engine.InvokeAsync(() => held.Task.Wait(TimeSpan.FromMinutes(1)));
        var (first, second) = (_engine.ComputeChecksumAsync(), _engine.ComputeChecksumAsync());
        held.SetResult();
        await holding;

        (await first).ShouldBe(_engine.Model.Checksum);
        (await second).ShouldBeSameAs(await first);
        (await _engine.ComputeChecksumAsync()).ShouldNotBeSameAs(await first);
    }

    [Fact]
    public async Task ComputeChecksumAsync_CallerThatLeaves_DoesNotWait()
    {
        using var left = new CancellationTokenSource();
        var held = new TaskCompletionSource();
        var holding = _engine.InvokeAsync(() => held.Task.Wait(TimeSpan.FromMinutes(1)));
        var (leaving, staying) = (_engine.ComputeChecksumAsync(left.Token), _engine.ComputeChecksumAsync());
        await left.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => leaving);

        held.SetResult();
        (await holding).ShouldBeTrue();
        (await staying).ShouldBe(_engine.Model.Checksum);
    }

    [Fact]
    public async Task ComputeChecksumAsync_AfterRequests_EqualsTheOneAtStart()
    {
        await Generate("rank-32", [1, 2, 3], Greedy(5));

        (await _engine.ComputeChecksumAsync()).ShouldBe(_engine.Model.Checksum);
    }

    private EngineOptions Options() => new()
    {
        Model = GoldenData.Path("checkpoints", "llama-gqa"),
        Data = _data,
        Dtype = "float32",
        Threads = 1,
        MaxNumSeqs = 24,
        MaxNumBatchedTokens = 64,
        KvCacheMemory = 8,
        MergedBytes = 0, // these tests compare bits and count tensors, which a merge would change at a moment of its own choice
    };

    private static SamplingParams Greedy(int tokens) => new() { Temperature = 0, MaxTokens = tokens, IgnoreEos = true };

    private TokenStream Submit(AdapterLease lease, IReadOnlyList<int> prompt, SamplingParams sampling) =>
        _engine.Submit(new GenerationRequest { Prompt = prompt, Sampling = sampling, Adapter = lease });

    private async Task<int[]> Generate(string adapter, int[] prompt, SamplingParams sampling)
    {
        var lease = adapter == "base" ? AdapterLease.Base() : await _engine.Adapters.AcquireAsync(adapter, CancellationToken.None);
        using var stream = Submit(lease, prompt, sampling);
        return await stream.Tokens.ReadAllAsync().Select(token => token.TokenId).ToArrayAsync();
    }

    private async Task WhenIdle()
    {
        // One command's round trip: what was sent before it has been taken up.
        await _engine.ComputeChecksumAsync();
        SpinWait.SpinUntil(() => _engine.Status is { Running: 0, Queued: 0 }, Patience).ShouldBeTrue();
    }
}
