using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Peft;
using LoraServe.Engine.Training.Settings;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>Creates the modules of a model in training, with their parameters, in the order of the calls.</summary>
internal sealed class TrainedModules : IDisposable
{
    private readonly ModelConfig _config;
    private readonly BaseWeights _weights;
    private readonly TrainingSettings _settings;
    private readonly Dictionary<string, (LinearModule Linear, int Number)> _linears;
    private readonly LoraScaling _scaling;
    private readonly List<TrainedParameter> _parameters = [];
    private readonly List<Tensor> _computed = [];

    // Trained weights by name, in the compute dtype: the parameter itself where that is float32.
    private readonly Dictionary<string, (TrainedParameter Parameter, Tensor Computed)> _full = new(StringComparer.Ordinal);

    public TrainedModules(ModelConfig config, BaseWeights weights, TrainingSettings settings, ScalarType dtype)
    {
        (_config, _weights, _settings) = (config, weights, settings);
        _linears = config.Modules("").Linears.Select((linear, number) => (linear, number))
            .ToDictionary(pair => pair.linear.Path, pair => pair, StringComparer.Ordinal);
        Dtype = dtype;
        _scaling = settings.ToScaling(new MatchingTime());
    }

    /// <summary>The compute dtype.</summary>
    public ScalarType Dtype { get; }

    /// <summary>What is trained.</summary>
    public IReadOnlyList<TrainedParameter> Parameters => _parameters;

    /// <summary>Whether every weight is trained.</summary>
    public bool IsFull => _settings.Method == TrainingMethod.Full;

    /// <summary>The token embedding.</summary>
    public TrainedEmbedding Embedding()
    {
        var (weight, parameter) = Weight($"{ModelLayout.Embedding}.weight");
        return new TrainedEmbedding(weight, parameter);
    }

    /// <summary>A norm by its path.</summary>
    public TrainedNorm Norm(string path)
    {
        var (weight, parameter) = Weight($"{path}.weight");
        return new TrainedNorm(Computed(weight), parameter, _config.RmsNormEpsilon);
    }

    /// <summary>Linear modules that read the same input.</summary>
    public LinearGroup Linears(params ReadOnlySpan<string> paths)
    {
        var modules = new List<TrainedLinear>();
        foreach (var path in paths) modules.Add(Linear(path));
        return new LinearGroup(Dtype, modules);
    }

    /// <summary>Trained weights that have a copy in the compute dtype, to be written after the parameters.</summary>
    public IEnumerable<(TrainedParameter Parameter, Tensor Computed)> Copies =>
        _full.Values.Where(pair => !ReferenceEquals(pair.Parameter.Value, pair.Computed));

    /// <summary>Frees the parameters.</summary>
    public void Dispose()
    {
        foreach (var weight in _computed) weight.Dispose();
        foreach (var (_, computed) in _full.Values) computed.Dispose();
        foreach (var parameter in _parameters) parameter.Dispose();
    }

    private TrainedLinear Linear(string path)
    {
        var (linear, number) = _linears[path];
        var (weight, weightParameter) = Weight($"{path}.weight");
        var bias = _weights.Bias(path);
        TrainedParameter? biasParameter = null;
        if (bias is not null) (bias, biasParameter) = Weight($"{path}.bias");
        return new TrainedLinear(path, number, weight, bias is null ? null : Computed(bias))
        {
            WeightParameter = weightParameter,
            BiasParameter = biasParameter,
            Factors = IsTarget(path) ? Factors(linear, number, weight) : null,
        };
    }

    private bool IsTarget(string path) =>
        !IsFull && _settings.TargetModules.Any(name => path == name || path.EndsWith($".{name}", StringComparison.Ordinal));

    private LowRankFactors Factors(LinearModule linear, int number, Tensor weight)
    {
        var rank = _scaling.RankOf(linear.Path);
        var a = Add($"{linear.Path}.lora_A.weight", StartOfA(linear, number, rank));
        var b = Add($"{linear.Path}.lora_B.weight", zeros([linear.OutFeatures, rank], ScalarType.Float32, _weights.Device));
        var magnitude = _settings.UseDora ? Add($"{linear.Path}.lora_magnitude_vector", RowNorms(weight)) : null;
        return new LowRankFactors(a, b, magnitude, (float)_scaling.ScalingOf(linear.Path, rank));
    }

    // Kaiming-uniform with a = sqrt(5) (He et al. 2015), which is +-1 / sqrt(in).
    private Tensor StartOfA(LinearModule linear, int number, int rank)
    {
        var random = new CounterRandom(_settings.Seed, number);
        var bound = 1 / Math.Sqrt(linear.InFeatures);
        var values = new float[rank * linear.InFeatures];
        for (var i = 0; i < values.Length; i++) values[i] = (float)(bound * ((2 * random.Uniform(i)) - 1));
        return tensor(values, [rank, linear.InFeatures], device: _weights.Device);
    }

    private static Tensor RowNorms(Tensor weight)
    {
        using var scope = NewDisposeScope();
        return weight.to(ScalarType.Float32).Squared().sum(dim: 1).sqrt().MoveToOuterDisposeScope();
    }

    // LoRA uses the base's own weight; a full training a copy, one for a weight that two modules share.
    private (Tensor Weight, TrainedParameter? Parameter) Weight(string name)
    {
        if (!IsFull) return (_weights.Weight(name), null);
        if (_config.TieWordEmbeddings && name == $"{ModelLayout.Head}.weight") name = $"{ModelLayout.Embedding}.weight";
        if (!_full.TryGetValue(name, out var known))
        {
            var parameter = Add(name, _weights.Weight(name).to(ScalarType.Float32, copy: true));
            var computed = Dtype == ScalarType.Float32 ? parameter.Value : parameter.Value.to(Dtype).DetachFromDisposeScope();
            _full.Add(name, known = (parameter, computed));
        }

        return (known.Computed, known.Parameter);
    }

    // Small weights of the base in the compute dtype.
    private Tensor Computed(Tensor weight)
    {
        if (weight.dtype == Dtype) return weight;
        _computed.Add(weight.to(Dtype).DetachFromDisposeScope());
        return _computed[^1];
    }

    private TrainedParameter Add(string name, Tensor value)
    {
        _parameters.Add(new TrainedParameter(name, value));
        return _parameters[^1];
    }
}
