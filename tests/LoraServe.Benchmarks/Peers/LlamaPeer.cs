using System.Diagnostics;
using LLama;
using LLama.Common;
using LLama.Native;

namespace LoraServe.Benchmarks.Peers;

/// <summary>
/// LLamaSharp (llama.cpp) in the same way. It has one set of adapters for a whole batch, so that requests of different adapters are decoded one adapter
/// after the other.
/// </summary>
internal sealed class LlamaPeer : IPeer
{
    private readonly LLamaWeights _weights;
    private readonly LLamaContext _context;
    private readonly LoraAdapter[] _adapters;
    private readonly LLamaBatch _batch = new();
    private int _current = -1;

    /// <param name="options">What to load.</param>
    public LlamaPeer(PeerOptions options)
    {
        NativeLogConfig.llama_log_set((_, _) => { });
        var parameters = new ModelParams(options.Gguf)
        {
            ContextSize = (uint)(options.Context * options.MostRequests),
            BatchSize = (uint)options.Context,
            UBatchSize = 512,
            SeqMax = (uint)options.MostRequests,
            Threads = options.Threads,
            BatchThreads = options.Threads,
            GpuLayerCount = 0,
            KVUnified = true,
        };
        _weights = LLamaWeights.LoadFromFile(parameters);
        _context = _weights.CreateContext(parameters);
        _adapters = [.. Directory.GetFiles(options.Adapters, "*.gguf").Order(StringComparer.Ordinal).Select(_weights.NativeHandle.LoadLoraFromFile)];
    }

    public double Run(PeerCase one)
    {
        _context.NativeHandle.MemoryClear(true);
        var start = Stopwatch.GetTimestamp();
        for (var request = 0; request < one.Requests; request++)
        {
            _batch.Clear();
            for (var i = 0; i < one.Prompt; i++) Add(request, i, logits: i == one.Prompt - 1);
            Compute(one.AdapterOf(request), 1);
        }

        if (one.IsPrefill) return Stopwatch.GetElapsedTime(start).TotalSeconds;
        start = Stopwatch.GetTimestamp();
        for (var step = 0; step < one.Steps; step++)
        {
            for (var request = 0; request < one.Requests;)
            {
                var adapter = one.AdapterOf(request);
                _batch.Clear();
                var rows = 0;
                for (; request < one.Requests && one.AdapterOf(request) == adapter; request++, rows++) Add(request, one.Prompt + step, logits: true);
                Compute(adapter, rows);
            }
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public void Dispose()
    {
        _context.Dispose();
        _weights.Dispose();
    }

    private void Add(int request, int position, bool logits) =>
        _batch.Add(PeerCase.Token(request, position, _weights.Vocab.Count), position, (LLamaSeqId)request, logits);

    private void Compute(int adapter, int rows)
    {
        if (adapter != _current)
        {
            Span<(LoraAdapter, float)> one = adapter < 0 ? [] : [(_adapters[adapter], 1f)];
            _context.NativeHandle.SetLoraAdapters(one);
            _current = adapter;
        }

        if (_context.NativeHandle.Decode(_batch) is var result && result != DecodeResult.Ok) throw new BenchmarkException($"llama.cpp does not decode: {result}.");
        var last = _batch.TokenCount - rows;
        for (var row = 0; row < rows; row++) Best.Of(_context.NativeHandle.GetLogitsIth(last + row));
    }
}
