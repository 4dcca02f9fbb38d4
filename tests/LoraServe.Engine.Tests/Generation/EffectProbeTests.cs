using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Peft;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

public sealed class EffectProbeTests : IAsyncDisposable
{
    private static readonly ModelModules Modules = ModelConfig.Load(GoldenData.Path("checkpoints", "llama-gqa")).Modules("llama-gqa");

    private readonly EffectEngine _small = new();

    private LlmEngine Engine => _small.Engine;

    public ValueTask DisposeAsync() => _small.DisposeAsync();

    [Fact]
    public async Task MeasureEffectAsync_Base_IsExactlyZero() =>
        (await Engine.MeasureEffectAsync(AdapterLease.Base(), CancellationToken.None)).ShouldBe(0);

    [Fact]
    public async Task MeasureEffectAsync_SameAdapterTwice_IsTheSameToTheLastBit()
    {
        using var adapter = Load("all-linear-r8", scale: 1);

        var first = await Measure(adapter);
        var second = await Measure(adapter);

        first.ShouldBeGreaterThan(1e-4);
        second.ShouldBe(first);
    }

    [Fact]
    public async Task MeasureEffectAsync_GoldenAdapter_IsTheMeanOverAllPositionsOfAllPrompts()
    {
        using var adapter = Load("attention-r4", scale: 1);
        var prompts = EffectPrompts.Encode(Engine.Tokenizer, Engine.Model.VocabularySize);

        var divergences = new List<double>();
        foreach (var prompt in prompts)
        {
            var expected = await Distributions(prompt, AdapterLease.Base());
            var actual = await Distributions(prompt, new AdapterLease(adapter, () => { }));
            divergences.AddRange(expected.Zip(actual, (p, q) => p.Sum(token => Math.Exp(token.Value) * (token.Value - q[token.Key]))));
        }

        prompts.Count.ShouldBe(32);
        divergences.Count.ShouldBe(prompts.Sum(prompt => prompt.Length));
        (await Measure(adapter)).ShouldBe(divergences.Average(), 1e-5);
    }

    [Fact]
    public async Task MeasureEffectAsync_TwiceTheScale_IsFourTimesTheEffect()
    {
        // Around no change at all the divergence grows with the square of the change.
        using var weak = Load("attention-r4", scale: 0.02f);
        using var twice = Load("attention-r4", scale: 0.04f);

        ((await Measure(twice)) / (await Measure(weak))).ShouldBe(4, 0.4);
    }

    [Fact]
    public async Task MeasureEffectAsync_WhileASequenceRuns_LeavesItsTokensAndGivesTheSame()
    {
        using var adapter = Load("attention-r4", scale: 1);
        var alone = await Measure(adapter);
        var expected = await Generate();

        var generated = Generate();
        var together = await Measure(adapter);

        together.ShouldBe(alone);
        (await generated).ShouldBe(expected);
        Engine.Status.KvBlocksUsed.ShouldBe(0);
    }

    [Fact]
    public async Task MeasureEffectAsync_ActivatedLora_IsInvoked()
    {
        using var adapter = Load("attention-r4", scale: 1);
        using var activated = new LoraAdapter(new AdapterVersionId("activated"), adapter.Linears) { InvocationTokens = [7, 300, 9] };

        (await Measure(activated)).ShouldBeGreaterThan(1e-4);
    }

    [Fact]
    public async Task MeasureEffectAsync_Overflow_IsToldAndFreesItsBlocks()
    {
        using var adapter = Load("attention-r4", scale: float.MaxValue);

        await Should.ThrowAsync<NotFiniteNumberException>(() => Measure(adapter));
        await Engine.ComputeChecksumAsync();

        Engine.Status.KvBlocksUsed.ShouldBe(0);
    }

    [Fact]
    public async Task MeasureEffectAsync_Cancelled_Ends()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => Engine.MeasureEffectAsync(AdapterLease.Base(), cancelled.Token));
    }

    private static LoraAdapter Load(string golden, float scale)
    {
        using var peft = PeftAdapter.Open(GoldenData.Path("adapters", "llama-gqa", golden), Modules, maxRank: 256);
        var adapter = peft.Load(torch.ScalarType.Float32, torch.CPU, name => throw new KeyNotFoundException(name));
        foreach (var weights in adapter.Linears.Values.Cast<LowRankUpdate>()) weights.B.mul_(scale);
        return adapter;
    }

    private Task<double> Measure(LoraAdapter adapter) =>
        Engine.MeasureEffectAsync(new AdapterLease(adapter, () => { }), CancellationToken.None);

    // Log-probabilities of every token at every position, by way of ordinary requests.
    private async Task<List<Dictionary<int, float>>> Distributions(int[] prompt, AdapterLease lease)
    {
        var all = Engine.Model.VocabularySize;
        using var stream = Engine.Submit(new GenerationRequest
        {
            Prompt = prompt,
            Sampling = new SamplingParams { MaxTokens = 1, Logprobs = all, PromptLogprobs = all },
            Adapter = lease,
        });
        var last = await stream.Tokens.ReadAsync();
        return [.. (await stream.PromptLogprobs).Skip(1).Append(last.Logprobs)
            .Select(logprobs => logprobs!.Top.ToDictionary(token => token.TokenId, token => token.Logprob))];
    }

    private async Task<int[]> Generate()
    {
        using var stream = Engine.Submit(new GenerationRequest
        {
            Prompt = [1, 17, 230, 5, 9],
            Sampling = new SamplingParams { Temperature = 0, MaxTokens = 60, IgnoreEos = true },
            Adapter = AdapterLease.Base(),
        });
        return await stream.Tokens.ReadAllAsync().Select(token => token.TokenId).ToArrayAsync();
    }
}
