using System.Threading.Channels;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Models;
using LoraServe.Engine.Peft;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;

namespace LoraServe.Engine.Tests.Models;

/// <summary>A golden checkpoint in float32 with some of its adapters, run step by step without scheduler and thread.</summary>
internal sealed class GoldenModel : IDisposable
{
    private const int BlockSize = 4;
    private const int Blocks = 2048;
    private const double Tolerance = 2e-4;

    private readonly string _checkpoint;
    private readonly ModelConfig _config;
    private readonly bool _merges;
    private readonly bool _isMergedAlready;
    private readonly BaseWeights _weights;
    private readonly BaseModel _model;
    private readonly ModelRunner _runner;
    private readonly Sampler _sampler;
    private readonly SafetensorsFile _expected;
    private readonly KvBlockPool _blocks = new(Blocks, BlockSize);
    private readonly Dictionary<string, LoraAdapter> _adapters = new() { ["base"] = LoraAdapter.Base };
    private readonly List<MergedTensors> _merged = [];
    private long _lastId;

    /// <param name="checkpoint">Its name.</param>
    /// <param name="merges">Whether adapters run on merged weights instead of beside the base.</param>
    /// <param name="folder">A checkpoint that takes the golden one's place and acts with the adapter already; null: the golden one.</param>
    /// <param name="inSlices">Whether logits and attention are computed in the smallest slices that there are.</param>
    /// <param name="onTorch">Whether libtorch computes, as on a GPU; else what the server chooses on a CPU.</param>
    public GoldenModel(string checkpoint, bool merges = false, string? folder = null, bool inSlices = false, bool onTorch = false)
    {
        (_checkpoint, _merges, _isMergedAlready) = (checkpoint, merges, folder is not null);
        folder ??= GoldenData.Path("checkpoints", checkpoint);
        _config = ModelConfig.Load(folder);
        using var files = Checkpoint.Open(folder);
        _weights = BaseWeights.Load(_config, files, torch.ScalarType.Float32, torch.CPU, progress: null);
        _model = onTorch
            ? new TorchDecoder(_config, _weights, Cache(), _config.MaxPositionEmbeddings) { MostMaskElements = inSlices ? 1 : 1L << 26 }
            : DecoderChoice.Create(_config, _weights, Blocks, BlockSize, _config.MaxPositionEmbeddings, threads: 1);
        _runner = new ModelRunner(_model, BlockSize, inSlices ? 3 * sizeof(float) * _config.VocabularySize : 1 << 26);
        _sampler = new Sampler(_config.VocabularySize);
        _expected = SafetensorsFile.Open(GoldenData.Path("expected", $"{checkpoint}.safetensors"));
    }

    public string Checksum() => _weights.Checksum();

    /// <summary>Prefills all rows together in chunks, checks every position's logits, then decodes greedily and checks the tokens.</summary>
    public void ShouldEqualGolden(IReadOnlyList<GoldenRow> rows, int chunk)
    {
        var sequences = rows.Select(Start).ToList();
        while (sequences.Exists(sequence => sequence.IsPrefilling))
        {
            var batch = new Batch(
            [
                .. sequences.Where(sequence => sequence.IsPrefilling).Select(sequence =>
                    new BatchRow(sequence, sequence.ComputedTokens, Math.Min(chunk, sequence.PromptLength - sequence.ComputedTokens))),
            ]);
            var logits = _runner.Run(batch);
            for (var i = 0; i < batch.Rows.Count; i++)
            {
                var row = batch.Rows[i];
                ShouldEqual(logits, i, row, rows[sequences.IndexOf(row.Sequence)]);
                Advance(row, logits.Of(i, row.Count - 1));
            }
        }

        for (var step = 1; step < rows.Max(row => row.Greedy.Length); step++)
        {
            var batch = new Batch([.. sequences.Where(sequence => !sequence.HasEnded).Select(sequence => new BatchRow(sequence, sequence.ComputedTokens, 1))]);
            var logits = _runner.Run(batch);
            for (var i = 0; i < batch.Rows.Count; i++) Advance(batch.Rows[i], logits.Of(i, 0));
        }

        foreach (var (sequence, row) in sequences.Zip(rows).Where(pair => pair.Second.IsDecisive))
            sequence.Generated.ToArray().ShouldBe(row.Greedy, $"{_checkpoint} {row.LogitsKey}");
        foreach (var sequence in sequences) _blocks.Free(sequence.HeldBlocks);
    }

    public void Dispose()
    {
        foreach (var merged in _merged) merged.Dispose();
        foreach (var adapter in _adapters.Values) adapter.Dispose();
        _expected.Dispose();
        _model.Dispose();
    }

    private KvCache Cache() =>
        new(_config.LayerCount, Blocks * BlockSize, _config.KvHeadCount, _config.HeadDim, torch.ScalarType.Float32, torch.CPU);

    private Sequence Start(GoldenRow row)
    {
        var request = new GenerationRequest
        {
            Prompt = row.Prompt,
            Sampling = new SamplingParams { Temperature = 0, MaxTokens = row.Greedy.Length, IgnoreEos = true, PromptLogprobs = 0 },
            Adapter = new AdapterLease(_merges ? Merge(Adapter(row)) : Adapter(row), () => { }),
        };
        var sequence = new Sequence(++_lastId, request, [], Channel.CreateUnbounded<GeneratedToken>().Writer, new());
        _blocks.TryAllocate((int)_blocks.BlocksFor(row.Prompt.Length + row.Greedy.Length), sequence.HeldBlocks).ShouldBeTrue();
        return sequence;
    }

    private LoraAdapter Adapter(GoldenRow row)
    {
        if (_isMergedAlready) return LoraAdapter.Base;
        if (row.Parts.Count == 0) return Adapter(row.Case);
        if (!_adapters.TryGetValue(row.Case, out var mix))
            _adapters[row.Case] = mix = LoraMix.Combine(new AdapterVersionId(row.Case), [.. row.Parts.Select(part => (Adapter(part.Adapter), part.Weight))]);
        return mix;
    }

    private LoraAdapter Adapter(string name)
    {
        if (!_adapters.TryGetValue(name, out var adapter))
        {
            using var peft = PeftAdapter.Open(GoldenData.Path("adapters", _checkpoint, name), _config.Modules(_checkpoint), maxRank: 256);
            _adapters[name] = adapter = peft.Load(torch.ScalarType.Float32, torch.CPU, _weights.Weight);
        }

        return adapter;
    }

    private LoraAdapter Merge(LoraAdapter adapter)
    {
        if (adapter == LoraAdapter.Base) return adapter;
        if (_merged.Find(merged => merged.Adapter.Version == adapter.Version) is { } known) return known.Adapter;
        using var merger = new AdapterMerger(_weights, adapter, AdapterMerger.Allocate(_weights, adapter));
        while (merger.Advance())
        {
        }

        _merged.Add(merger.Complete());
        return _merged[^1].Adapter;
    }

    private void Advance(BatchRow row, ReadOnlySpan<float> logits)
    {
        var (sequence, start, count) = row;
        sequence.ComputedTokens = start + count;
        if (sequence.ComputedTokens < sequence.Tokens.Length) return;
        if (sequence.Append(_sampler.Sample(logits, sequence.SamplingState)) is not null) sequence.End(error: null);
    }

    private void ShouldEqual(BatchLogits actual, int index, BatchRow row, GoldenRow golden)
    {
        using var tensor = _expected.Read(golden.LogitsKey);
        var expected = tensor.data<float>().ToArray();
        var vocabulary = _config.VocabularySize;
        for (var i = 0; i < row.Count; i++)
        {
            var logits = actual.Of(index, i);
            for (var token = 0; token < vocabulary; token++)
            {
                var wanted = expected[((row.Start + i) * vocabulary) + token];
                if (Math.Abs(logits[token] - wanted) <= Tolerance + (Tolerance * Math.Abs(wanted))) continue;
                throw new ShouldAssertException(
                    $"{_checkpoint} {golden.LogitsKey}, position {row.Start + i}, token {token}: expected {wanted}, found {logits[token]}");
            }
        }
    }
}
