using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Runs;

/// <summary>What a step's passes add up to.</summary>
internal sealed class StepResult
{
    /// <summary>Over all targets, before the step.</summary>
    public TargetLoss Loss { get; set; }

    /// <summary>Of the whole gradient, before it is clipped.</summary>
    public double GradientNorm { get; set; }

    /// <summary>Throws where one of them is not finite: the step would spread that over all weights.</summary>
    /// <param name="step">From 1.</param>
    /// <param name="learningRate">Of the step.</param>
    /// <exception cref="TrainingFailedException">With what to change.</exception>
    public void CheckFinite(int step, double learningRate)
    {
        if (double.IsFinite(Loss.Sum) && double.IsFinite(GradientNorm)) return;
        var what = double.IsFinite(Loss.Sum) ? $"the gradient's norm is {GradientNorm}" : $"the loss is {Loss.Sum}";
        throw new TrainingFailedException(
            $"In step {step}, {what}: the training has diverged, at a learning rate of {learningRate:g3}. Train with a lower learning rate or "
            + "more warm-up steps; a lower alpha or a bound for the gradient's norm helps too.")
        {
            HasDiverged = true,
        };
    }
}
