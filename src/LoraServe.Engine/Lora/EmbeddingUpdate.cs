using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>How an adapter changes the token embedding.</summary>
internal abstract record EmbeddingUpdate
{
    /// <summary>All of its tensors, in the compute dtype and contiguous.</summary>
    public abstract IEnumerable<Tensor> Tensors { get; }
}
