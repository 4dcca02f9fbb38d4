using LoraServe.Engine.Models;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Optimization;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Runs;

/// <summary>The tensors of a training, and the work of a step on them. Only the engine's thread computes with them.</summary>
internal sealed class Learner : IDisposable
{
    private readonly TrainingSettings _settings;

    /// <param name="model">The base, which is only read.</param>
    /// <param name="maxModelLen">Maximum tokens of a served sequence.</param>
    /// <param name="settings">How to train.</param>
    public Learner(BaseModel model, int maxModelLen, TrainingSettings settings)
    {
        _settings = settings;
        Model = new TrainedModel(model.Config, maxModelLen, model.Weights, settings);
        Optimizer = new AdamW(Model.Parameters, settings.WeightDecay);
    }

    /// <summary>What is trained.</summary>
    public TrainedModel Model { get; }

    /// <summary>What updates it.</summary>
    public AdamW Optimizer { get; }

    /// <summary>The gradient of a step.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="passes">Its examples.</param>
    public StepGradient Differentiate(int step, IReadOnlyList<TrainingBatch> passes) => new(Model, passes, _settings.Seed, step);

    /// <summary>One optimiser step with the clipped gradient.</summary>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="gradientNorm">Of the whole gradient.</param>
    public ParameterUpdate Update(double learningRate, double gradientNorm) =>
        new(Model, Optimizer, learningRate, GradientNorm.Scale(gradientNorm, _settings.MaxGradientNorm));

    /// <summary>The loss of some examples.</summary>
    public LossEvaluation Evaluate(IReadOnlyList<TrainingBatch> passes) => new(Model, passes);

    /// <summary>Frees everything but the base.</summary>
    public void Dispose()
    {
        Optimizer.Dispose();
        Model.Dispose();
    }
}
