using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>The modules of the decoder in training.</summary>
internal sealed class TrainedDecoder : IDisposable
{
    private readonly ModelConfig _config;
    private readonly Dictionary<string, TrainedNorm> _norms = new(StringComparer.Ordinal);
    private readonly Tensor _frequencies;
    private readonly ScalarType _dtype;
    private readonly Stack<Workspace> _workspaces = [];
    private bool _isDisposed;

    /// <param name="config">The shape of the model.</param>
    /// <param name="maxModelLen">Maximum tokens of a served sequence, which some rotations depend on.</param>
    /// <param name="modules">Of the model, in training.</param>
    public TrainedDecoder(ModelConfig config, int maxModelLen, TrainedModules modules)
    {
        (_config, _dtype) = (config, modules.Dtype);
        var frequencies = RotaryFrequencies.Compute(config.Rotary, config.HeadDim, config.MaxPositionEmbeddings, maxModelLen);
        Embedding = modules.Embedding();
        _frequencies = tensor(Array.ConvertAll(frequencies, frequency => (float)frequency), device: Embedding.Weight.device)
            .DetachFromDisposeScope();
        Layers = [.. Enumerable.Range(0, config.LayerCount).Select(layer => Layer(modules, layer))];
        Head = new TrainedHead(Norm(modules, ModelLayout.FinalNorm), modules.Linears(ModelLayout.Head));
        LowestTrained = Embedding.IsTrained ? 0 : Array.FindIndex([.. Layers], layer => layer.IsTrained);
        if (LowestTrained < 0) LowestTrained = config.LayerCount;
    }

    /// <summary>The token embedding.</summary>
    public TrainedEmbedding Embedding { get; }

    /// <summary>The layers.</summary>
    public IReadOnlyList<TrainedLayer> Layers { get; }

    /// <summary>Last norm, output head and loss.</summary>
    public TrainedHead Head { get; }

    /// <summary>The layer at which the backward pass ends; the number of layers if only the head is trained.</summary>
    public int LowestTrained { get; }

    /// <summary>Memory for a pass, reused from an earlier one.</summary>
    public Workspace TakeWorkspace() =>
        _workspaces.TryPop(out var free) ? free : new Workspace(_dtype, Embedding.Weight.device);

    /// <summary>Takes the memory back from a pass.</summary>
    public void Return(Workspace workspace)
    {
        if (_isDisposed) workspace.Dispose();
        else _workspaces.Push(workspace);
    }

    /// <summary>All linear modules, grouped by their input.</summary>
    public IEnumerable<LinearGroup> Groups => Layers.SelectMany(layer => layer.Groups).Append(Head.Group);

    /// <summary>Rotation of the tokens of examples: cosine and sine, [tokens, headDim / 2] each, in float32 and the current scope.</summary>
    public (Tensor Cosine, Tensor Sine) Rotation(IReadOnlyList<int> lengths)
    {
        using var scope = NewDisposeScope();
        var positions = new List<float>();
        foreach (var length in lengths)
            for (var i = 0; i < length; i++) positions.Add(i);
        var angles = tensor(positions.ToArray(), device: _frequencies.device).unsqueeze(1).mul(_frequencies.unsqueeze(0));
        var scale = tensor((float)_config.Rotary.AttentionFactor, device: _frequencies.device);
        return (angles.cos().mul_(scale).MoveToOuterDisposeScope(), angles.sin().mul_(scale).MoveToOuterDisposeScope());
    }

    /// <summary>An adapter of copies, in the current dispose scope.</summary>
    /// <param name="version">Its version.</param>
    /// <param name="isFull">Whether it replaces all weights.</param>
    /// <param name="dtype">Of the base.</param>
    public LoraAdapter Snapshot(AdapterVersionId version, bool isFull, ScalarType dtype)
    {
        if (!isFull)
        {
            return new LoraAdapter(version, Linears.Where(linear => linear.Factors is not null).ToDictionary(
                linear => linear.Path, LinearUpdate (linear) => linear.Factors!.Snapshot(linear.Weight, linear.Bias), StringComparer.Ordinal));
        }

        return new LoraAdapter(version, Linears.ToDictionary(
            linear => linear.Path,
            LinearUpdate (linear) => new ReplacedLinear(Copy(linear.Weight), linear.Bias is null ? null : Copy(linear.Bias)),
            StringComparer.Ordinal))
        {
            Embedding = new ReplacedEmbedding(Copy(Embedding.Weight)),
            Norms = _norms.ToDictionary(norm => norm.Key, norm => Copy(norm.Value.Weight), StringComparer.Ordinal),
        };

        Tensor Copy(Tensor weight) => weight.to(dtype, copy: true);
    }

    /// <summary>Frees all but the parameters.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _frequencies.Dispose();
        foreach (var workspace in _workspaces) workspace.Dispose();
        foreach (var layer in Layers) layer.Dispose();
        Head.Dispose();
    }

    private IEnumerable<TrainedLinear> Linears => Groups.SelectMany(group => group.Modules);

    private TrainedLayer Layer(TrainedModules modules, int layer)
    {
        var path = ModelLayout.Layer(layer);
        var inputNorm = Norm(modules, $"{path}.input_layernorm");
        var projections = modules.Linears($"{path}.self_attn.q_proj", $"{path}.self_attn.k_proj", $"{path}.self_attn.v_proj");
        var queryNorm = _config.QkNorm ? Norm(modules, $"{path}.self_attn.q_norm") : null;
        var keyNorm = _config.QkNorm ? Norm(modules, $"{path}.self_attn.k_norm") : null;
        var attention = new TrainedAttention(
            _config, _config.SlidingWindows[layer], projections, modules.Linears($"{path}.self_attn.o_proj"), queryNorm, keyNorm);
        var middleNorm = Norm(modules, $"{path}.post_attention_layernorm");
        var mlp = new TrainedMlp(
            modules.Linears($"{path}.mlp.gate_proj", $"{path}.mlp.up_proj"), modules.Linears($"{path}.mlp.down_proj"));
        return new TrainedLayer(inputNorm, attention, middleNorm, mlp, modules.IsFull);
    }

    private TrainedNorm Norm(TrainedModules modules, string path)
    {
        var norm = modules.Norm(path);
        _norms.Add(path, norm);
        return norm;
    }
}
