using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>
/// An adapter version in merged form: the same changes to the model, but each linear module has a merged weight instead of a
/// low-rank update. Unmerged tensors are shared with the source adapter, which must outlive it.
/// </summary>
/// <param name="adapter">The merged form, under the same version.</param>
/// <param name="views">The merged weights and biases, views of the memory.</param>
/// <param name="memory">One block for all of them; see <see cref="Vacate"/>.</param>
internal sealed class MergedTensors(LoraAdapter adapter, IReadOnlyList<Tensor> views, Tensor memory) : IDisposable
{
    /// <summary>The adapter with merged weights, used by the model in place of the original.</summary>
    public LoraAdapter Adapter { get; } = adapter;

    /// <summary>
    /// Ends the merged form and returns its memory for reuse: allocating fresh memory takes longer than a merge takes to fill it.
    /// </summary>
    public Tensor Vacate()
    {
        Adapter.FreeCompanions();
        foreach (var view in views) view.Dispose();
        return memory;
    }

    /// <summary>Frees the merged weights only.</summary>
    public void Dispose() => Vacate().Dispose();
}
