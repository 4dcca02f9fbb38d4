using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>
/// An adapter version in its merged form: the same changes to the model, but each linear module with a weight of its own instead of a
/// low-rank update. What is not merged it shares with the adapter that it was made from, which must outlive it.
/// </summary>
/// <param name="adapter">The merged form, under the same version.</param>
/// <param name="views">The merged weights and biases, which lie in the memory.</param>
/// <param name="memory">One block for all of them; see <see cref="Vacate"/>.</param>
internal sealed class MergedAdapter(LoraAdapter adapter, IReadOnlyList<Tensor> views, Tensor memory) : IDisposable
{
    /// <summary>What the model runs on in place of the adapter.</summary>
    public LoraAdapter Adapter { get; } = adapter;

    /// <summary>
    /// Ends the merged form and hands its memory over: the system takes longer to give out fresh memory than a merge takes to fill it.
    /// </summary>
    public Tensor Vacate()
    {
        foreach (var view in views) view.Dispose();
        return memory;
    }

    /// <summary>Frees the merged weights only.</summary>
    public void Dispose() => Vacate().Dispose();
}
