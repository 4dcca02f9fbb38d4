using System.Threading.Channels;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using TorchSharp;

namespace LoraServe.Benchmarks.Merging;

/// <summary>The decode step of one sequence, which can be repeated with the same result.</summary>
internal sealed class DecodeRow : IDisposable
{
    private const int BlockSize = 16;

    private readonly BaseModel _model;
    private readonly ModelRunner _runner;
    private readonly int _context;

    /// <summary>Computes the context once, on the base.</summary>
    /// <param name="folder">Its weights are freed with this.</param>
    /// <param name="context">Tokens before the decoded one.</param>
    public DecodeRow(AdapterFolder folder, int context)
    {
        _context = context;
        var config = folder.Config;
        _model = DecoderChoice.Create(config, folder.Weights, context / BlockSize + 1, BlockSize, context + 1, torch.get_num_threads());
        _runner = new ModelRunner(_model, BlockSize);
        _runner.Run(Batch(LoraAdapter.Base, 0, context));
    }

    /// <summary>The logits of the step on an adapter, valid until the next call.</summary>
    public ReadOnlySpan<float> Run(LoraAdapter adapter) => _runner.Run(Batch(adapter, _context, 1)).Of(0, 0);

    /// <summary>Frees the model, including its weights.</summary>
    public void Dispose() => _model.Dispose();

    private Batch Batch(LoraAdapter adapter, int start, int count)
    {
        var request = new GenerationRequest
        {
            Prompt = [.. Enumerable.Range(0, start + count).Select(i => ((i * 31) + 7) % _model.Config.VocabularySize)],
            Sampling = new SamplingParams { Temperature = 0 },
            Adapter = new AdapterLease(adapter, static () => { }),
        };
        var sequence = new Sequence(1, request, [], Channel.CreateUnbounded<GeneratedToken>().Writer, new());
        sequence.HeldBlocks.AddRange(Enumerable.Range(0, _context / BlockSize + 1));
        return new Batch([new BatchRow(sequence, start, count)]);
    }
}
