using System.Diagnostics;
using LoraServe.Benchmarks.Merging;
using LoraServe.Benchmarks.Steps;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using TorchSharp;

namespace LoraServe.Benchmarks.Peers;

/// <summary>This project's engine without server and scheduler: forward passes and the best token of each row.</summary>
internal sealed class OwnPeer : IPeer
{
    private const int BlockSize = 16;

    private readonly AdapterFolder _folder;
    private readonly LoraAdapter[] _adapters;
    private readonly BaseModel _model;
    private readonly ForwardBatch _batch = new(BlockSize);
    private readonly List<int>[] _blocks;
    private readonly float[] _logits;

    /// <param name="options">What to load.</param>
    public OwnPeer(PeerOptions options)
    {
        OpenMp.LeaveThreads(options.Threads);
        OpenMp.TakeThreads(options.Threads);
        var dtype = ComputeDtype.Parse(options.Dtype);
        _folder = AdapterFolder.Load(options.Model, adapters: null, dtype);
        _adapters = [.. Enumerable.Range(0, options.MostRequests).Select(i => RandomAdapter.Create(_folder.Config, $"random {i}", PeerOptions.Rank, dtype))];
        var blocks = (options.Context + BlockSize - 1) / BlockSize;
        _blocks = [.. Enumerable.Range(0, options.MostRequests).Select(request => Enumerable.Range(request * blocks, blocks).ToList())];
        _model = DecoderChoice.Create(_folder.Config, _folder.Weights, blocks * options.MostRequests, BlockSize, options.Context, options.Threads);
        _logits = new float[options.MostRequests * _folder.Config.VocabularySize];
    }

    public double Run(PeerCase one)
    {
        using var mode = torch.inference_mode();
        var start = Stopwatch.GetTimestamp();
        for (var request = 0; request < one.Requests; request++)
        {
            _batch.Clear();
            Add(one, request, 0, one.Prompt);
            Compute();
        }

        if (one.IsPrefill) return Stopwatch.GetElapsedTime(start).TotalSeconds;
        start = Stopwatch.GetTimestamp();
        for (var step = 0; step < one.Steps; step++)
        {
            _batch.Clear();
            for (var request = 0; request < one.Requests; request++) Add(one, request, one.Prompt + step, 1);
            Compute();
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public void Dispose()
    {
        foreach (var adapter in _adapters) adapter.Dispose();
        _model.Dispose();
    }

    private void Add(PeerCase one, int request, int position, int count)
    {
        _batch.Spans.Add(new AttentionSpan(_batch.TokenIds.Count, count, position + count, _blocks[request]));
        for (var i = position; i < position + count; i++)
        {
            _batch.TokenIds.Add(PeerCase.Token(request, i, _folder.Config.VocabularySize));
            _batch.Positions.Add(i);
        }

        _batch.LogitTokens.Add(_batch.TokenIds.Count - 1);
        _batch.Lora.Add(count, one.AdapterOf(request) is >= 0 and var adapter ? _adapters[adapter] : LoraAdapter.Base);
    }

    private void Compute()
    {
        var (rows, vocabulary) = (_batch.LogitTokens.Count, _folder.Config.VocabularySize);
        _model.Forward(_batch);
        _model.Logits(0, _logits.AsSpan(0, rows * vocabulary));
        for (var row = 0; row < rows; row++) Best.Of(_logits.AsSpan(row * vocabulary, vocabulary));
    }
}
