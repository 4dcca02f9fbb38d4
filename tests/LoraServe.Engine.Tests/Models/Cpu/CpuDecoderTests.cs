using System.Threading.Channels;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Models.Cpu;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using LoraServe.Tests;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Models.Cpu;

public sealed class CpuDecoderTests : IDisposable
{
    private const int BlockSize = 16;
    private const int Blocks = 512;
    private const int MostPrompt = 300;
    private const int Decodes = 4;

    private readonly List<LoraAdapter> _adapters = [];
    private long _lastId;

    public void Dispose()
    {
        foreach (var adapter in _adapters) adapter.Dispose();
    }

    // 250 groups of up to 6 sequences in 4 and more batches each: prompts in chunks of any size beside decoding rows.
    [Theory]
    [InlineData("llama-gqa", ScalarType.Float32, 1)]
    [InlineData("llama-gqa", ScalarType.Float32, 3)]
    [InlineData("llama-gqa", ScalarType.BFloat16, 1)]
    [InlineData("llama-gqa", ScalarType.BFloat16, 3)]
    [InlineData("mistral-sliding", ScalarType.Float32, 3)]
    [InlineData("mistral-sliding", ScalarType.BFloat16, 3)]
    public void Forward_RandomMixedBatches_GiveEachRowTheBitsOfItsSoloRun(string checkpoint, ScalarType dtype, int threads)
    {
        var config = ModelConfig.Load(GoldenData.Path("checkpoints", checkpoint));
        var random = new Random(threads);
        using var together = Model(checkpoint, config, dtype, threads);
        using var alone = Model(checkpoint, config, dtype, threads: 1);
        AddAdapters(config, dtype);
        var (runner, solo) = (new ModelRunner(together, BlockSize), new ModelRunner(alone, BlockSize));

        for (var batches = 0; batches < 250;)
        {
            var blocks = new KvBlockPool(Blocks, BlockSize);
            var sequences = Enumerable.Range(0, random.Next(1, 7)).Select(_ => Start(random, config.VocabularySize, blocks)).ToList();
            var logits = sequences.ToDictionary(sequence => sequence, _ => new List<float[]>());
            for (; sequences.Exists(sequence => sequence.PendingTokens > 0); batches++)
            {
                var rows = sequences.Where(sequence => sequence.PendingTokens > 0 && random.Next(4) > 0)
                    .Select(sequence => new BatchRow(sequence, sequence.ComputedTokens, random.Next(1, Math.Min(sequence.PendingTokens, 70) + 1))).ToList();
                var result = runner.Run(new Batch(rows));
                for (var i = 0; i < rows.Count; i++) logits[rows[i].Sequence].AddRange(Logits(result, i, rows[i]));
            }

            foreach (var sequence in sequences)
            {
                sequence.ComputedTokens = 0;
                var row = new BatchRow(sequence, 0, sequence.Tokens.Length);
                var expected = Logits(solo.Run(new Batch([row])), 0, row).ToList();
                for (var i = 0; i < expected.Count; i++) logits[sequence][i].ShouldBe(expected[i], $"position {i} of {expected.Count}");
            }
        }
    }

    private static List<float[]> Logits(BatchLogits logits, int index, BatchRow row)
    {
        row.Sequence.ComputedTokens += row.Count;
        return [.. Enumerable.Range(0, row.Count).Select(i => logits.Of(index, i).ToArray())];
    }

    private static CpuDecoder Model(string checkpoint, ModelConfig config, ScalarType dtype, int threads)
    {
        using var files = Checkpoint.Open(GoldenData.Path("checkpoints", checkpoint));
        var weights = BaseWeights.Load(config, files, dtype, CPU, progress: null);
        return new CpuDecoder(config, weights, Blocks, BlockSize, MostPrompt + Decodes, threads);
    }

    // Log-probabilities of the prompt are asked for, so that every position has logits.
    private Sequence Start(Random random, int vocabulary, KvBlockPool blocks)
    {
        var adapter = _adapters[random.Next(_adapters.Count)];
        var request = new GenerationRequest
        {
            Prompt = [.. Enumerable.Range(0, random.Next(2, MostPrompt)).Select(_ => random.Next(vocabulary))],
            Sampling = new SamplingParams { PromptLogprobs = 0 },
            Adapter = new AdapterLease(adapter, () => { }),
        };
        var sequence = new Sequence(++_lastId, request, [], Channel.CreateUnbounded<GeneratedToken>().Writer, new());
        blocks.TryAllocate((int)blocks.BlocksFor(MostPrompt), sequence.HeldBlocks).ShouldBeTrue();
        return sequence;
    }

    private void AddAdapters(ModelConfig config, ScalarType dtype)
    {
        _adapters.Add(LoraAdapter.Base);
        foreach (var rank in new[] { 1, 4, 7, 16, 33 }) _adapters.Add(LowRank(config, rank, dtype));
        _adapters.Add(Merged(config, dtype));
        _adapters.Add(Activated(config, dtype));
    }

    // Uniform in [-size, size].
    private static Tensor Numbers(double size, ScalarType dtype, params long[] shape)
    {
        var random = new Random((int)shape.Sum());
        var values = Enumerable.Range(0, (int)shape.Aggregate((product, count) => product * count)).Select(_ => (float)(size * ((2 * random.NextDouble()) - 1)));
        return tensor(values.ToArray(), shape).to(dtype);
    }

    // Scale and shift on every second module, as DoRA and trained biases have them.
    private static LoraAdapter LowRank(ModelConfig config, int rank, ScalarType dtype)
    {
        var linears = config.Modules("").Linears.Where((_, i) => rank < 16 || i % 3 > 0).Select((linear, i) => KeyValuePair.Create<string, LinearUpdate>(
            linear.Path,
            new LowRankUpdate(
                Numbers(0.1, dtype, rank, linear.InFeatures),
                Numbers(0.1, dtype, linear.OutFeatures, rank),
                i % 2 == 0 ? null : Numbers(1, dtype, linear.OutFeatures),
                i % 4 < 3 ? null : Numbers(0.1, dtype, linear.OutFeatures))));
        return new LoraAdapter(new AdapterVersionId($"rank {rank}"), new Dictionary<string, LinearUpdate>(linears))
        {
            Embedding = rank == 7 ? new LowRankEmbedding(Numbers(1, dtype, 3, config.VocabularySize), Numbers(1, dtype, config.HiddenSize, 3)) : null,
            Norms = rank == 4 ? new Dictionary<string, Tensor> { [ModelLayout.FinalNorm] = Numbers(1, dtype, config.HiddenSize) } : [],
        };
    }

    private static LoraAdapter Merged(ModelConfig config, ScalarType dtype) => new(
        new AdapterVersionId("merged"),
        config.Modules("").Linears.Where((_, i) => i % 2 == 0).ToDictionary(
            linear => linear.Path,
            LinearUpdate (linear) => new ReplacedLinear(Numbers(0.1, dtype, linear.OutFeatures, linear.InFeatures), null)));

    // On the base up to its invocation, which is in about half of the prompts.
    private static LoraAdapter Activated(ModelConfig config, ScalarType dtype)
    {
        var plain = LowRank(config, 8, dtype);
        return new LoraAdapter(new AdapterVersionId("activated"), plain.Linears) { InvocationTokens = [17] };
    }
}
