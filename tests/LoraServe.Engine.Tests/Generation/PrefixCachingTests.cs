using System.Text.Json.Nodes;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

/// <summary>The prefix cache beneath the whole engine, with real keys and values.</summary>
[Collection(nameof(LlmEngineTests))]
public sealed class PrefixCachingTests : IAsyncLifetime
{
    private const int ContextLength = 1024;

    private static readonly int[] Shared = [.. Enumerable.Range(0, 400).Select(i => (i * 37 % 300) + 3)];

    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-test-").FullName;
    private readonly List<LoraAdapter> _adapters = InterleavedAdapters.Load(GoldenData.Path());
    private LlmEngine _engine = null!;

    public ValueTask InitializeAsync()
    {
        var model = Directory.CreateDirectory(Path.Combine(_folder, "model")).FullName;
        foreach (var file in Directory.GetFiles(GoldenData.Path("checkpoints", "llama-gqa")))
            File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
        var config = Path.Combine(model, "config.json");
        var json = JsonNode.Parse(File.ReadAllText(config))!;
        json["max_position_embeddings"] = ContextLength;
        File.WriteAllText(config, json.ToJsonString());

        _engine = Load("cached", new EngineOptions { Model = model, Data = _folder });
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        foreach (var adapter in _adapters) adapter.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Submit_SharedPrefixOf400Tokens_IsComputedOnceForEachAdapter()
    {
        (await Ask(0, [.. Shared, 7])).ShouldBe(0);

        (await Ask(0, [.. Shared, 8, 9])).ShouldBe(400);
        (await Ask(1, [.. Shared, 8, 9])).ShouldBe(0);
        (await Ask(1, [.. Shared, 10])).ShouldBe(400);
        (await Ask(InterleavedAdapters.Mix, [.. Shared, 10])).ShouldBe(0, "a mix is a version of its own");
        (await Ask(0, [.. Shared, 10], salt: "tenant")).ShouldBe(0);
        (_engine.Status.PrefixCacheHits, _engine.Status.KvBlocksUsed).ShouldBe((800, 0));
        _engine.Status.KvBlocksCached.ShouldBe(4 * 25);
    }

    [Fact]
    public async Task Submit_ActivatedLora_SharesTheBasesBlocksUpToItsInvocation()
    {
        int[] invoked = [.. Shared, .. _adapters[InterleavedAdapters.Activated].InvocationTokens, .. Shared[..40]];
        await Ask(0, invoked);

        (await Ask(InterleavedAdapters.Activated, invoked)).ShouldBe(400);
        (await Ask(InterleavedAdapters.Activated, [.. invoked, 7])).ShouldBe(432);
        (await Ask(0, [.. invoked, 7])).ShouldBe(432);
        (await Ask(InterleavedAdapters.Activated, [.. Shared, 7])).ShouldBe(400, "without an invocation it is the base");
    }

    [Fact]
    public async Task Submit_NextTurnOfAConversation_FindsTheAnswerToo()
    {
        int[] prompt = [.. Shared[..30]];
        using var stream = Submit(2, prompt, tokens: 20);
        var answer = await stream.Tokens.ReadAllAsync().Select(token => token.TokenId).ToListAsync();

        // The last token's keys and values were never needed.
        (await Ask(2, [.. prompt, .. answer, 5])).ShouldBe((prompt.Length + answer.Count - 1) / 16 * 16);
    }

    [Fact]
    public async Task Submit_PromptLogprobs_AreThoseOfAnUncachedPrompt()
    {
        var sampling = new SamplingParams { Temperature = 0, MaxTokens = 1, PromptLogprobs = 0 };
        using var first = Submit(0, Shared[..50], sampling);
        var expected = await first.PromptLogprobs;

        using var second = Submit(0, Shared[..50], sampling);

        (await second.PromptLogprobs).Select(entry => entry?.Logprob).ShouldBe(expected.Select(entry => entry?.Logprob));
        second.CachedTokens.ShouldBe(0);
    }

    [Fact]
    public async Task Submit_CacheOff_SharesNothing()
    {
        await using var plain = Load("plain", new EngineOptions { Model = Path.Combine(_folder, "model"), Data = _folder, EnablePrefixCaching = false });
        for (var i = 0; i < 2; i++)
        {
            using var stream = plain.Submit(Request(0, Shared[..50], Greedy(1)));
            await stream.Tokens.ReadAllAsync().ToListAsync();
            stream.CachedTokens.ShouldBe(0);
        }

        (plain.Status.PrefixCacheQueries, plain.Status.KvBlocksCached).ShouldBe((0L, 0));
    }

    [Fact]
    public async Task Submit_StepFails_PublishesNothing()
    {
        // Such an adapter never passes the door; it stands for whatever may go wrong in a step.
        using var broken = new LoraAdapter(new AdapterVersionId("broken"), new Dictionary<string, LinearUpdate>
        {
            ["model.layers.2.self_attn.q_proj"] = new LowRankUpdate(torch.ones(2, 3), torch.ones(3, 2)),
        });
        _adapters.Insert(0, broken);
        for (var i = 0; i < 2; i++)
        {
            using var stream = Submit(0, Shared[..50], tokens: 1);
            await Should.ThrowAsync<GenerationFailedException>(async () => await stream.Tokens.ReadAllAsync().ToListAsync());
            stream.CachedTokens.ShouldBe(0);
        }
    }

    // With fewer places than requests and a cache that is too small for all prefixes, so that sequences are preempted and blocks evicted.
    [Fact]
    public async Task Submit_RandomInterleavings_GiveTheTokensOfARunWithTheCacheOff()
    {
        var model = Path.Combine(_folder, "model");
        var small = new EngineOptions { Model = model, Data = _folder, MaxNumSeqs = 5, MaxLoras = 3, KvCacheMemory = 1, MaxModelLen = 320 };
        await using var cached = Load("small", small);
        await using var plain = Load("plain", small with { EnablePrefixCaching = false });
        var interleavings = new RandomInterleavings(cached, plain, _adapters, maxTokens: 300, seed: 20260);

        await interleavings.RunAsync(rounds: 100);

        interleavings.Mismatches.ShouldBeEmpty();
        interleavings.CachedTokens.ShouldBeGreaterThan(interleavings.PromptTokens / 10);
        interleavings.Undecided.ShouldBeLessThan(interleavings.Requests / 10);
        cached.Status.Preemptions.ShouldBePositive();
    }

    private LlmEngine Load(string data, EngineOptions options) => LlmEngine.Load(
        options with { Data = Path.Combine(_folder, data), Dtype = "float32", Threads = 1, MaxNumBatchedTokens = 128 },
        progress: null,
        NullLoggerFactory.Instance);

    private static SamplingParams Greedy(int tokens) => new() { Temperature = 0, MaxTokens = tokens, IgnoreEos = true };

    private GenerationRequest Request(int adapter, IReadOnlyList<int> prompt, SamplingParams sampling, string salt = "") =>
        new() { Prompt = prompt, Sampling = sampling, Adapter = new AdapterLease(_adapters[adapter], () => { }), CacheSalt = salt };

    private TokenStream Submit(int adapter, IReadOnlyList<int> prompt, SamplingParams sampling) =>
        _engine.Submit(Request(adapter, prompt, sampling));

    private TokenStream Submit(int adapter, IReadOnlyList<int> prompt, int tokens) => Submit(adapter, prompt, Greedy(tokens));

    private async Task<int> Ask(int adapter, IReadOnlyList<int> prompt, string salt = "")
    {
        using var stream = _engine.Submit(Request(adapter, prompt, Greedy(2), salt));
        (await stream.Tokens.ReadAllAsync().ToListAsync()).Count.ShouldBe(2);
        return stream.CachedTokens;
    }
}
