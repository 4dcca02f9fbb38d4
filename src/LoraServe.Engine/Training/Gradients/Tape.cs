using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>The tensors of a forward pass that the way back needs.</summary>
/// <param name="workspace">Their memory.</param>
/// <param name="keeps">False where the way back is in the same slice, or there is none: nothing outlives the slice then.</param>
internal sealed class Tape(Workspace workspace, bool keeps) : IDisposable
{
    private readonly (int Chunk, long Used) _start = workspace.Kept.Top;
    private readonly List<Tensor> _kept = [];

    /// <summary>A tensor of any values to be written to, kept until the tape is disposed.</summary>
    public Tensor New(params ReadOnlySpan<long> shape) => keeps ? Keep(workspace.Kept.Push(shape)) : workspace.Slice.Push(shape);

    /// <summary>Keeps a tensor until the tape is disposed; returns it.</summary>
    public Tensor Keep(Tensor tensor)
    {
        if (keeps) _kept.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }

    /// <summary>Frees what was kept, which is the last that was kept of all.</summary>
    public void Dispose()
    {
        foreach (var tensor in _kept) tensor.Dispose();
        _kept.Clear();
        if (keeps) workspace.Kept.Release(_start);
    }
}
