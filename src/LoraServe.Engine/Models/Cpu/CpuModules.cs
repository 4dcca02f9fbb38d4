using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Kernels.Decoding;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>All modules of a model where they lie in memory.</summary>
internal sealed class CpuModules
{
    private readonly BaseWeights _weights;
    private readonly DecoderKernels _kernels;
    private readonly List<CpuLinear> _linears = [];
    private readonly List<CpuNorm> _norms = [];

    /// <param name="config">The shape of the model.</param>
    /// <param name="weights">On the CPU, in the compute dtype of the kernels; must outlive this.</param>
    /// <param name="kernels">Multiply them.</param>
    public CpuModules(ModelConfig config, BaseWeights weights, DecoderKernels kernels)
    {
        (_weights, _kernels) = (weights, kernels);
        Layers = [.. Enumerable.Range(0, config.LayerCount).Select(layer => Layer(config, layer))];
        FinalNorm = Norm(ModelLayout.FinalNorm);
        Head = [Linear(ModelLayout.Head)];
        Embedding = Address(weights.Embedding, config.VocabularySize, config.HiddenSize);
    }

    /// <summary>The layers.</summary>
    public CpuLayer[] Layers { get; }

    /// <summary>Before the output head.</summary>
    public CpuNorm FinalNorm { get; }

    /// <summary>The output head.</summary>
    public CpuLinear[] Head { get; }

    /// <summary>[vocabulary, hidden] in the compute dtype.</summary>
    public nint Embedding { get; }

    /// <summary>All linear modules by their <see cref="CpuLinear.Index"/>.</summary>
    public IReadOnlyList<CpuLinear> Linears => _linears;

    /// <summary>All norms by their <see cref="CpuNorm.Index"/>.</summary>
    public IReadOnlyList<CpuNorm> Norms => _norms;

    /// <summary>Where a tensor's numbers begin.</summary>
    /// <param name="tensor">Contiguous, on the CPU, in the compute dtype.</param>
    /// <param name="shape">What it must be: kernels read that much.</param>
    /// <exception cref="ArgumentException">It is not.</exception>
    public nint Address(Tensor tensor, params ReadOnlySpan<long> shape)
    {
        if (tensor.device_type != DeviceType.CPU || tensor.dtype != _weights.Dtype || !tensor.is_contiguous() || !shape.SequenceEqual(tensor.shape))
        {
            throw new ArgumentException(
                $"Expected a contiguous tensor of {_weights.Dtype} [{string.Join(", ", shape.ToArray())}] on the CPU, found {tensor.dtype} [{string.Join(", ", tensor.shape)}].",
                nameof(tensor));
        }

        return TensorAddress.Of(tensor);
    }

    private CpuLayer Layer(ModelConfig config, int index)
    {
        var path = ModelLayout.Layer(index);
        return new CpuLayer
        {
            InputNorm = Norm($"{path}.input_layernorm"),
            Attention = [Linear($"{path}.self_attn.q_proj"), Linear($"{path}.self_attn.k_proj"), Linear($"{path}.self_attn.v_proj")],
            QueryNorm = config.QkNorm ? Norm($"{path}.self_attn.q_norm") : null,
            KeyNorm = config.QkNorm ? Norm($"{path}.self_attn.k_norm") : null,
            AttentionOutput = [Linear($"{path}.self_attn.o_proj")],
            PostAttentionNorm = Norm($"{path}.post_attention_layernorm"),
            GateUp = [Linear($"{path}.mlp.gate_proj"), Linear($"{path}.mlp.up_proj")],
            Down = [Linear($"{path}.mlp.down_proj")],
            Window = config.SlidingWindows[index],
        };
    }

    private CpuNorm Norm(string path)
    {
        var weight = _weights.Weight($"{path}.weight");
        var norm = new CpuNorm(_norms.Count, path, (int)weight.size(0), Address(weight, weight.size(0)));
        _norms.Add(norm);
        return norm;
    }

    private CpuLinear Linear(string path)
    {
        var weight = _weights.Weight($"{path}.weight");
        var (outputs, inputs) = ((int)weight.size(0), (int)weight.size(1));
        var linear = new CpuLinear
        {
            Index = _linears.Count,
            Path = path,
            Weight = Address(weight, outputs, inputs),
            Bias = _weights.Bias(path) is { } bias ? Address(bias, outputs) : 0,
            Inputs = inputs,
            Outputs = outputs,
            Product = _kernels.Product(inputs),
        };
        _linears.Add(linear);
        return linear;
    }
}
