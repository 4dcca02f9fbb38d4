using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;

namespace LoraServe.Engine.Peft;

/// <summary>A module of the base and its low-rank update as stored in a file.</summary>
/// <param name="Linear">The frozen module; the embedding counts as a linear module of one-hot tokens.</param>
/// <param name="Rank">r.</param>
/// <param name="Alpha">The module's lora_alpha.</param>
/// <param name="Scaling">s in y = W x + s B (A x).</param>
/// <param name="A">[r, in].</param>
/// <param name="B">[out, r].</param>
internal sealed record PeftModule(LinearModule Linear, int Rank, double Alpha, double Scaling, SafetensorsEntry A, SafetensorsEntry B)
{
    /// <summary>DoRA's m [out], or null.</summary>
    public SafetensorsEntry? Magnitude { get; init; }

    /// <summary>A bias on lora_B [out], scaled as B is, or null.</summary>
    public SafetensorsEntry? LoraBias { get; init; }
}
