using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Optimization;
using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Runs;

/// <summary>The gradient of the mean cross-entropy of a step's targets, summed over its passes in the parameters, and its norm.</summary>
/// <param name="model">What is trained.</param>
/// <param name="passes">The step's examples.</param>
/// <param name="seed">Of the training, for dropout.</param>
/// <param name="step">From 0.</param>
internal sealed class StepGradient(TrainedModel model, IReadOnlyList<TrainingBatch> passes, long seed, int step) : ISlicedWork
{
    private readonly double _lossWeight = 1.0 / Math.Max(1, passes.Sum(pass => pass.TargetCount));
    private readonly GradientNorm _norm = new(model.Parameters);
    private TrainingPass? _pass;
    private int _next;

    /// <summary>Over all targets, before the step; complete once <see cref="Advance"/> returned false.</summary>
    public TargetLoss Loss { get; private set; }

    /// <summary>Of the whole gradient, before it is clipped; complete once <see cref="Advance"/> returned false.</summary>
    public double Norm => _norm.Value;

    /// <summary>A slice of a pass, or of the norm after the last pass.</summary>
    public bool Advance()
    {
        if (_next == passes.Count) return _norm.Advance();
        _pass ??= model.Train(passes[_next], _lossWeight, DropoutSeed);
        if (_pass.Advance()) return true;
        Loss += new TargetLoss(_pass.LossSum, _pass.Correct, passes[_next].TargetCount);
        Dispose();
        _next++;
        return true;
    }

    /// <summary>Throws if loss or norm is not finite: the step would spread that to all weights.</summary>
    /// <param name="learningRate">Of the step.</param>
    /// <exception cref="TrainingFailedException">With what to change.</exception>
    public void CheckFinite(double learningRate)
    {
        if (double.IsFinite(Loss.Sum) && double.IsFinite(Norm)) return;
        var what = double.IsFinite(Loss.Sum) ? $"the gradient's norm is {Norm}" : $"the loss is {Loss.Sum}";
        throw new TrainingFailedException(
            $"In step {step + 1}, {what}: the training has diverged, at a learning rate of {learningRate:g3}. Train with a lower learning rate or "
            + "more warm-up steps; a lower alpha or a bound for the gradient's norm helps too.")
        {
            HasDiverged = true,
        };
    }

    /// <summary>Frees the activations of an unfinished pass.</summary>
    public void Dispose()
    {
        _pass?.Dispose();
        _pass = null;
    }

    // The same for a step however often the training was interrupted.
    private long DropoutSeed => unchecked((((seed * 1_000_003) + step) * 1_000_003) + _next);
}
