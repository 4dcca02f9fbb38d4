using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>Recomputes what passes derive from written parameters, such as B in the compute dtype: one weight or group per slice.</summary>
/// <param name="weights">Trained weights and their copies in the compute dtype, which are written.</param>
/// <param name="groups">Linear modules.</param>
internal sealed class ModelRefresh(
    IEnumerable<(TrainedParameter Parameter, Tensor Computed)> weights, IEnumerable<LinearGroup> groups) : ISlicedWork
{
    private readonly Queue<(TrainedParameter Parameter, Tensor Computed)> _weights = new(weights);
    private readonly Queue<LinearGroup> _groups = new(groups);

    /// <summary>Refreshes the next weight or group.</summary>
    public bool Advance()
    {
        using var inference = inference_mode();
        if (_weights.TryDequeue(out var weight)) weight.Computed.copy_(weight.Parameter.Value);
        else if (_groups.TryDequeue(out var group)) group.Refresh();
        return _weights.Count + _groups.Count > 0;
    }
}
