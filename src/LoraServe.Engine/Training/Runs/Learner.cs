using LoraServe.Engine.Models;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Optimization;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Runs;

/// <summary>The tensors of a training, and what is done to them in a step. Only the engine's thread uses it.</summary>
internal sealed class Learner : IDisposable
{
    private readonly TrainingSettings _settings;

    /// <param name="model">The base, which is only read.</param>
    /// <param name="maxModelLen">Most tokens of a sequence that is served.</param>
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

    /// <summary>Adds up the gradient of the mean cross-entropy of a step's targets, and its loss.</summary>
    /// <param name="step">Counted from 0.</param>
    /// <param name="passes">Its examples.</param>
    /// <param name="result">Told of the loss and the gradient's norm.</param>
    public IEnumerable<Slice> Differentiate(int step, IReadOnlyList<TrainingBatch> passes, StepResult result)
    {
        var weight = 1.0 / Math.Max(1, passes.Sum(pass => pass.TargetCount));
        for (var i = 0; i < passes.Count; i++)
        {
            using var pass = Model.Train(passes[i], weight, DropoutSeed(step, i));
            while (pass.Advance()) yield return default;
            result.Loss += new TargetLoss(pass.LossSum, pass.Correct, passes[i].TargetCount);
            yield return default;
        }

        var squares = 0.0;
        foreach (var sum in GradientNorm.SquareSums(Model.Parameters))
        {
            squares += sum;
            yield return default;
        }

        result.GradientNorm = Math.Sqrt(squares);
    }

    /// <summary>Goes down the gradient, and sets it to 0; must not stop half way.</summary>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="gradientNorm">Of the whole gradient, which is clipped by it.</param>
    public IEnumerable<Slice> Update(double learningRate, double gradientNorm)
    {
        var scale = GradientNorm.Scale(gradientNorm, _settings.MaxGradientNorm);
        while (Optimizer.Advance(learningRate, scale)) yield return default;
        foreach (var refresh in Model.Refreshes)
        {
            yield return default;
            refresh();
        }
    }

    /// <summary>The cross-entropies of all targets of some passes, without dropout.</summary>
    /// <param name="passes">Examples.</param>
    /// <param name="add">Told of each pass.</param>
    public IEnumerable<Slice> Evaluate(IReadOnlyList<TrainingBatch> passes, Action<TargetLoss> add)
    {
        foreach (var batch in passes)
        {
            using var pass = Model.Evaluate(batch);
            while (pass.Advance()) yield return default;
            add(new TargetLoss(pass.LossSum, pass.Correct, batch.TargetCount));
            yield return default;
        }
    }

    /// <summary>Frees everything but the base.</summary>
    public void Dispose()
    {
        Optimizer.Dispose();
        Model.Dispose();
    }

    // The same for a step however often the training was interrupted.
    private long DropoutSeed(int step, int pass) => unchecked((((_settings.Seed * 1_000_003) + step) * 1_000_003) + pass);
}
