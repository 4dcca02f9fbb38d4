using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>The tensors of a forward pass that the way back needs.</summary>
/// <param name="keeps">False where there is no way back: nothing outlives the current dispose scope then.</param>
internal sealed class Tape(bool keeps) : IDisposable
{
    private readonly List<Tensor> _kept = [];

    /// <summary>Keeps a tensor until the tape is disposed; returns it.</summary>
    public Tensor Keep(Tensor tensor)
    {
        if (keeps) _kept.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }

    /// <summary>Frees what was kept.</summary>
    public void Dispose()
    {
        foreach (var tensor in _kept) tensor.Dispose();
        _kept.Clear();
    }
}
