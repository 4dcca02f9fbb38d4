namespace LoraServe.Engine.Models.Cpu;

/// <summary>The modules of one decoder layer where they lie in memory.</summary>
internal sealed class CpuLayer
{
    /// <summary>Before attention.</summary>
    public required CpuNorm InputNorm { get; init; }

    /// <summary>q_proj, k_proj and v_proj.</summary>
    public required CpuLinear[] Attention { get; init; }

    /// <summary>Of each query head, or null.</summary>
    public required CpuNorm? QueryNorm { get; init; }

    /// <summary>Of each key head, or null.</summary>
    public required CpuNorm? KeyNorm { get; init; }

    /// <summary>o_proj.</summary>
    public required CpuLinear[] AttentionOutput { get; init; }

    /// <summary>Before the MLP.</summary>
    public required CpuNorm PostAttentionNorm { get; init; }

    /// <summary>gate_proj and up_proj.</summary>
    public required CpuLinear[] GateUp { get; init; }

    /// <summary>down_proj.</summary>
    public required CpuLinear[] Down { get; init; }

    /// <summary>How many positions back a token sees, itself included; null sees all.</summary>
    public required int? Window { get; init; }
}

/// <summary>A norm where its weight lies in memory.</summary>
/// <param name="Index">Its place among the model's norms.</param>
/// <param name="Path">Its path in the checkpoint.</param>
/// <param name="Size">Numbers of its weight.</param>
/// <param name="Weight">[size] in the compute dtype.</param>
internal sealed record CpuNorm(int Index, string Path, int Size, nint Weight);
