using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>A tensor that is trained, in float32 whatever the base's dtype, with its accumulated gradient.</summary>
/// <param name="name">
/// Its name in a PEFT file without prefix, "model.layers.0.self_attn.q_proj.lora_A.weight", or in a checkpoint where the method is full.
/// </param>
/// <param name="value">Float32, owned by this.</param>
internal sealed class TrainedParameter(string name, Tensor value) : IDisposable
{
    /// <summary>Its name in the saved file.</summary>
    public string Name { get; } = name;

    /// <summary>The tensor. Callers that write to it call <see cref="TrainedModel.Refresh"/> before the next pass.</summary>
    public Tensor Value { get; } = value.DetachFromDisposeScope();

    /// <summary>Of the shape of <see cref="Value"/>: the sum of the gradients since it was last set to 0.</summary>
    public Tensor Gradient { get; } = zeros_like(value).DetachFromDisposeScope();

    /// <summary>Adds to the gradient.</summary>
    /// <param name="gradient">Of the shape of the gradient, in any float dtype.</param>
    public void Add(Tensor gradient)
    {
        using var wide = gradient.to(ScalarType.Float32);
        Gradient.AddInPlace(wide);
    }

    /// <summary>Adds factor * left^T right to the gradient [rows, columns].</summary>
    /// <param name="left">[tokens, rows].</param>
    /// <param name="right">[tokens, columns], of the same dtype.</param>
    /// <param name="factor">A float.</param>
    public void AddProduct(Tensor left, Tensor right, float factor = 1) => Products.AddTransposed(Gradient, left, right, factor);

    /// <summary>Frees both.</summary>
    public void Dispose()
    {
        Value.Dispose();
        Gradient.Dispose();
    }
}
