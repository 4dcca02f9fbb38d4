using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>How an adapter changes one linear module y = W x + b.</summary>
internal abstract record LinearUpdate
{
    /// <summary>All of its tensors, in the compute dtype and contiguous.</summary>
    public abstract IEnumerable<Tensor> Tensors { get; }
}

/// <summary>
/// A low-rank update beside the frozen weight, in the form into which every kind of LoRA is loaded:
/// y' = scale * y + B (A x) + shift, where scale acts elementwise.
/// <list type="bullet">
/// <item>LoRA (Hu et al. 2021): B carries the scaling s; neither scale nor shift.</item>
/// <item>DoRA (Liu et al. 2024, section 4): scale g = m / ||W + s B A|| by rows, B carries g s, shift (1 - g) b keeps the bias as it is.</item>
/// <item>A bias on lora_B: shift s b'. A trained bias of the base: shift is its difference from the base's own.</item>
/// </list>
/// </summary>
/// <param name="A">[r, in]; r may be 0 where only a bias was trained.</param>
/// <param name="B">[out, r].</param>
/// <param name="Scale">[out], or null for 1.</param>
/// <param name="Shift">[out], or null for 0.</param>
internal sealed record LowRankUpdate(Tensor A, Tensor B, Tensor? Scale = null, Tensor? Shift = null) : LinearUpdate
{
    public override IEnumerable<Tensor> Tensors => new[] { A, B, Scale, Shift }.OfType<Tensor>();
}

/// <summary>
/// A weight that replaces the base's: of a module that was saved whole, or W with an adapter merged into it.
/// </summary>
/// <param name="Weight">[out, in].</param>
/// <param name="Bias">[out], or null for none, whatever the base has.</param>
internal sealed record ReplacedLinear(Tensor Weight, Tensor? Bias) : LinearUpdate
{
    public override IEnumerable<Tensor> Tensors => Bias is null ? [Weight] : [Weight, Bias];
}
