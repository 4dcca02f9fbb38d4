using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Gradients;

namespace LoraServe.Engine.Training.Runs;

/// <summary>The cross-entropies of all targets of some passes, without dropout.</summary>
/// <param name="model">What is trained.</param>
/// <param name="passes">Examples.</param>
internal sealed class LossEvaluation(TrainedModel model, IReadOnlyList<TrainingBatch> passes) : ISlicedWork
{
    private TrainingPass? _pass;
    private int _next;

    /// <summary>Over the targets so far; complete once <see cref="Advance"/> returned false.</summary>
    public TargetLoss Loss { get; private set; }

    /// <summary>A slice of a pass.</summary>
    public bool Advance()
    {
        if (_next == passes.Count) return false;
        _pass ??= model.Evaluate(passes[_next]);
        if (_pass.Advance()) return true;
        Loss += new TargetLoss(_pass.LossSum, _pass.Correct, passes[_next].TargetCount);
        Dispose();
        return ++_next < passes.Count;
    }

    /// <summary>Frees the activations of an unfinished pass.</summary>
    public void Dispose()
    {
        _pass?.Dispose();
        _pass = null;
    }
}
