using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>The tensors of a forward pass that the backward pass needs.</summary>
/// <param name="workspace">Their memory.</param>
/// <param name="keeps">False if the backward pass is in the same slice or there is none: nothing outlives the slice then.</param>
internal sealed class Tape(Workspace workspace, bool keeps) : IDisposable
{
    private readonly (int Chunk, long Used) _start = workspace.Kept.Top;
    private readonly List<Tensor> _kept = [];

    /// <summary>An uninitialised tensor, kept until the tape is disposed.</summary>
    public Tensor New(params ReadOnlySpan<long> shape) => keeps ? Keep(workspace.Kept.Push(shape)) : workspace.Slice.Push(shape);

    /// <summary>Keeps a tensor until the tape is disposed; returns it.</summary>
    public Tensor Keep(Tensor tensor)
    {
        if (keeps) _kept.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }

    /// <summary>Frees what was kept; tapes are freed in reverse order.</summary>
    public void Dispose()
    {
        foreach (var tensor in _kept) tensor.Dispose();
        _kept.Clear();
        if (keeps) workspace.Kept.Release(_start);
    }
}
