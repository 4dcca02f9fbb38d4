using System.Runtime.CompilerServices;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Kernels.Decoding;
using LoraServe.Engine.Lora;
using TorchSharp;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>The decoder on the kernels of this project: whole steps without libtorch, whose operations cost more than decoding a token.</summary>
internal sealed class CpuDecoder : BaseModel
{
    // Adapters leave it when they are freed.
    private readonly ConditionalWeakTable<LoraAdapter, CpuAdapter> _adapters = [];
    private readonly ConditionalWeakTable<LoraAdapter, CpuAdapter>.CreateValueCallback _create;
    private readonly Func<LoraAdapter, CpuAdapter> _prepare;
    private readonly PagedKvCache _cache;
    private readonly RotaryTable _rotary;
    private readonly StepParts _parts;
    private readonly LayersPass _layers;
    private readonly HeadPass _head;
    private readonly LoraBatch _wanted = new();
    private ForwardBatch? _batch;

    /// <param name="config">The shape of the model.</param>
    /// <param name="weights">In float32 or bfloat16 on the CPU; the decoder's from now on.</param>
    /// <param name="blocks">Blocks of the KV cache.</param>
    /// <param name="blockSize">Tokens of a block.</param>
    /// <param name="maxModelLen">Positions.</param>
    /// <param name="threads">Threads, the calling one included.</param>
    public CpuDecoder(ModelConfig config, BaseWeights weights, int blocks, int blockSize, int maxModelLen, int threads) : base(config, weights)
    {
        var kernels = DecoderKernels.For(
            weights.Dtype == torch.ScalarType.BFloat16, config.HiddenSize, config.IntermediateSize, config.HeadDim / 2, blockSize);
        var modules = new CpuModules(config, weights, kernels);
        _create = adapter =>
        {
            var prepared = new CpuAdapter(adapter, modules);
            adapter.Keep(prepared);
            return prepared;
        };
        _prepare = Prepare;
        _cache = new PagedKvCache(config.LayerCount, blocks, blockSize, config.KvHeadCount, config.HeadDim, kernels.ElementBytes);
        _rotary = new RotaryTable(config, maxModelLen);
        _parts = new StepParts(config, modules, kernels, _cache.Shape, threads);
        _layers = new LayersPass(_parts, _cache, _rotary);
        _head = new HeadPass(_parts);
    }

    public override string Description => $"own kernels, {_parts.Kernels.Description}, {_parts.Team.Size} threads";

    public override void Forward(ForwardBatch batch)
    {
        _batch = batch;
        _layers.Run(batch, _prepare);
    }

    public override void Logits(int first, Span<float> logits)
    {
        var batch = _batch ?? throw new InvalidOperationException("There has been no pass yet.");
        _wanted.Take(batch.Lora, batch.LogitTokens, first, logits.Length / Config.VocabularySize);
        _head.Run(batch.LogitTokens, first, logits, _wanted, _prepare);
    }

    private CpuAdapter Prepare(LoraAdapter adapter)
    {
        var prepared = _adapters.GetValue(adapter, _create);
        return prepared.IsFreed ? throw new InvalidOperationException($"The tensors of adapter version {adapter.Version} have been freed.") : prepared;
    }

    /// <summary>Frees everything; no pass may be running.</summary>
    public override void Dispose()
    {
        _parts.Dispose();
        _cache.Dispose();
        _rotary.Dispose();
        base.Dispose();
    }
}
