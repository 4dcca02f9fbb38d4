using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>The gated MLP of the Llama families (SwiGLU, Shazeer 2020): down(silu(gate(x)) * up(x)).</summary>
internal sealed class Mlp(string path, BaseWeights weights)
{
    private readonly LoraLinear _gate = weights.Linear($"{path}.gate_proj");
    private readonly LoraLinear _up = weights.Linear($"{path}.up_proj");
    private readonly LoraLinear _down = weights.Linear($"{path}.down_proj");

    /// <summary>x [tokens, hidden] to [tokens, hidden]; the caller owns the result.</summary>
    public Tensor Forward(Tensor x, LoraBatch lora)
    {
        using var scope = NewDisposeScope();
        var gated = nn.functional.silu(_gate.Forward(x, lora)).mul_(_up.Forward(x, lora));
        return _down.Forward(gated, lora).MoveToOuterDisposeScope();
    }
}
