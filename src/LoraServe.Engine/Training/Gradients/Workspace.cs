using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>The memory of one pass: what is kept until the backward pass has used it, and what is needed within a slice only.</summary>
/// <param name="dtype">The compute dtype.</param>
/// <param name="device">Where the base is.</param>
internal sealed class Workspace(ScalarType dtype, Device device) : IDisposable
{
    /// <summary>Tensors kept for the backward pass.</summary>
    public TensorStack Kept { get; } = new(dtype, device);

    /// <summary>Tensors freed with the slice.</summary>
    public TensorStack Slice { get; } = new(dtype, device);

    /// <summary>Memory of both.</summary>
    public long Bytes => Kept.Bytes + Slice.Bytes;

    /// <summary>Frees both.</summary>
    public void Dispose()
    {
        Kept.Dispose();
        Slice.Dispose();
    }
}
