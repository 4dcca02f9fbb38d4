using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Settings;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// The base model with trained parameters beside its frozen weights: forward and backward passes, layer by layer. It needs no autograd, so
/// that only <see cref="Parameters"/> have gradients, and works in inference mode.
/// </summary>
internal sealed class TrainedModel : IDisposable
{
    private readonly BaseWeights _weights;
    private readonly TrainingSettings _settings;
    private readonly TrainedModules _modules;
    private readonly TrainedDecoder _decoder;

    /// <summary>Puts A and B, drawn from the seed, beside the target modules; a full training copies the weights.</summary>
    /// <param name="config">The shape of the model.</param>
    /// <param name="maxModelLen">Maximum tokens of a served sequence.</param>
    /// <param name="weights">Stay the caller's and are never written.</param>
    /// <param name="settings">Method, rank, targets and seed.</param>
    /// <param name="dtype">What to compute in; null: see <see cref="ComputeDtype.OfTraining"/>.</param>
    public TrainedModel(ModelConfig config, int maxModelLen, BaseWeights weights, TrainingSettings settings, ScalarType? dtype = null)
    {
        // Outside inference mode, so that parameters can be written in either mode.
        using var normalMode = inference_mode(false);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        (_weights, _settings) = (weights, settings);
        _modules = new TrainedModules(config, weights, settings, dtype ?? ComputeDtype.OfTraining(weights.Dtype, weights.Device));
        _decoder = new TrainedDecoder(config, maxModelLen, _modules);
        Refresh();
    }

    /// <summary>What is trained, in the order of the forward pass.</summary>
    public IReadOnlyList<TrainedParameter> Parameters => _modules.Parameters;

    /// <summary>Must be called after parameters were written: computes what passes derive from them, such as B in the compute dtype.</summary>
    public void Refresh()
    {
        var refresh = BeginRefresh();
        while (refresh.Advance())
        {
        }
    }

    /// <summary>The same in slices.</summary>
    public ModelRefresh BeginRefresh() => new(_modules.Copies, _decoder.Groups);

    /// <summary>
    /// A pass forward and backward that adds the gradient of weight * (sum of the cross-entropies of the batch's targets) to the parameters.
    /// </summary>
    /// <param name="batch">At most <see cref="TrainingSettings.MicroBatchTokens"/>, or one example.</param>
    /// <param name="weight">The loss weight: 1 / the number of targets of the whole step.</param>
    /// <param name="dropoutSeed">The same seed drops the same.</param>
    public TrainingPass Train(TrainingBatch batch, double weight, long dropoutSeed)
    {
        var dropout = _settings.Dropout > 0 && !_modules.IsFull ? new Dropout(_settings.Dropout, dropoutSeed) : null;
        return new TrainingPass(_decoder, batch, weight, dropout, _settings.Recompute);
    }

    /// <summary>A forward pass, without dropout.</summary>
    public TrainingPass Evaluate(TrainingBatch batch) => new(_decoder, batch, weight: null, dropout: null, recomputes: false);

    /// <summary>
    /// The parameters as they are now, as an adapter to serve: a copy in the compute dtype. A full training gives one that replaces all weights.
    /// </summary>
    /// <param name="version">Its <see cref="LoraAdapter.Version"/>, which must be unique: keys and values are cached by it.</param>
    public LoraAdapter Snapshot(AdapterVersionId version)
    {
        using var normalMode = inference_mode(false);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var adapter = _decoder.Snapshot(version, _modules.IsFull, _weights.Dtype);
        adapter.DetachFromDisposeScope();
        return adapter;
    }

    /// <summary>Frees the parameters, not the base's weights.</summary>
    public void Dispose()
    {
        _decoder.Dispose();
        _modules.Dispose();
    }
}
