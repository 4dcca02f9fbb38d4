using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Optimization;

namespace LoraServe.Engine.Training.Runs;

/// <summary>One optimiser step, which sets the gradient to 0. It must not stop midway.</summary>
/// <param name="model">What is trained.</param>
/// <param name="optimizer">Updates its parameters.</param>
/// <param name="learningRate">Of this step.</param>
/// <param name="gradientScale">Multiplies every gradient first: see <see cref="GradientNorm.Scale"/>.</param>
internal sealed class ParameterUpdate(TrainedModel model, AdamW optimizer, double learningRate, double gradientScale) : ISlicedWork
{
    private ModelRefresh? _refresh;

    /// <summary>Updates a slice of the parameters, then what passes derive from them.</summary>
    public bool Advance()
    {
        if (_refresh is not null) return _refresh.Advance();
        if (!optimizer.Advance(learningRate, gradientScale)) _refresh = model.BeginRefresh();
        return true;
    }
}
