using System.Threading.Channels;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using TorchSharp;

namespace LoraServe.Benchmarks.Steps;

/// <summary>A checkpoint with random adapters, its KV cache, and the steps to measure on them.</summary>
internal sealed class StepModel : IDisposable
{
    private const int BlockSize = 16;
    private const int PrefillTokens = 512;
    private const int MostAdapters = 4;
    private static readonly int[] RowCounts = [1, 8, 16];
    private static readonly int[] AdapterCounts = [0, 1, MostAdapters];

    private readonly StepOptions _options;
    private readonly LoraAdapter[] _adapters;
    private readonly List<int>[] _contexts;
    private readonly List<int> _prefill = [];
    private readonly BaseModel _model;
    private readonly ModelRunner _runner;

    /// <summary>Loads the weights, creates the cases, and computes the contexts of decode rows once, on the base.</summary>
    public StepModel(StepOptions options, torch.ScalarType dtype)
    {
        _options = options;
        var config = ModelConfig.Load(options.Model);
        using var checkpoint = Checkpoint.Open(options.Model);
        var weights = BaseWeights.Load(config, checkpoint, dtype, torch.CPU, progress: null);
        var blocks = new KvBlockPool((RowCounts.Max() * BlocksFor(options.Context + 1)) + BlocksFor(PrefillTokens), BlockSize);
        var maxModelLen = Math.Max(options.Context + 1, PrefillTokens);
        _model = options.OnTorch
            ? TorchDecoder.Create(config, weights, blocks.Count * BlockSize, maxModelLen)
            : DecoderChoice.Create(config, weights, blocks.Count, BlockSize, maxModelLen, options.Threads);
        _runner = new ModelRunner(_model, BlockSize);
        _adapters = [.. Enumerable.Range(0, MostAdapters).Select(i => RandomAdapter.Create(config, $"random {i}", options.Rank, dtype))];
        _contexts = [.. Enumerable.Range(0, RowCounts.Max()).Select(_ => new List<int>())];
        foreach (var context in _contexts) blocks.TryAllocate(BlocksFor(options.Context + 1), context);
        blocks.TryAllocate(BlocksFor(PrefillTokens), _prefill);
        foreach (var context in _contexts)
            Run(new Batch([new BatchRow(NewSequence(context, options.Context, LoraAdapter.Base), 0, options.Context)]));
        Cases =
        [
            .. from rows in RowCounts from adapters in AdapterCounts where adapters <= rows select Decode(rows, adapters),
            .. from adapters in AdapterCounts where adapters <= 1 select Prefill(adapters),
        ];
    }

    /// <summary>Every kind of step.</summary>
    public IReadOnlyList<StepCase> Cases { get; }

    /// <summary>Computes a batch to the logits, as the engine does between scheduling and sampling.</summary>
    public void Run(Batch batch) => _runner.Run(batch);

    public void Dispose()
    {
        foreach (var adapter in _adapters) adapter.Dispose();
        _model.Dispose();
    }

    // All cases use the same contexts: step time does not depend on the values of keys and values.
    private StepCase Decode(int rows, int adapters) => new("decode", adapters, new Batch([.. Enumerable.Range(0, rows).Select(row =>
        new BatchRow(NewSequence(_contexts[row], _options.Context + 1, Adapter(row * adapters / rows, adapters)), _options.Context, 1))]));

    private StepCase Prefill(int adapters) =>
        new("prefill", adapters, new Batch([new BatchRow(NewSequence(_prefill, PrefillTokens, Adapter(0, adapters)), 0, PrefillTokens)]));

    private LoraAdapter Adapter(int index, int adapters) => adapters == 0 ? LoraAdapter.Base : _adapters[index];

    private Sequence NewSequence(List<int> blocks, int tokens, LoraAdapter adapter)
    {
        var request = new GenerationRequest
        {
            Prompt = [.. Enumerable.Range(0, tokens).Select(i => (i * 31 + blocks[0]) % _model.Config.VocabularySize)],
            Sampling = new SamplingParams { Temperature = 0 },
            Adapter = new AdapterLease(adapter, () => { }),
        };
        var sequence = new Sequence(blocks[0], request, [], Channel.CreateUnbounded<GeneratedToken>().Writer, new());
        sequence.HeldBlocks.AddRange(blocks);
        return sequence;
    }

    private static int BlocksFor(int tokens) => (tokens + BlockSize - 1) / BlockSize;
}
