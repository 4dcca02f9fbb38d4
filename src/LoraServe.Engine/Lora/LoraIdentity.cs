using LoraServe.Engine.Checkpoints;
using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>Detects adapters that act as the base model.</summary>
internal static class LoraIdentity
{
    // A magnitude is stored in a dtype of its own, the norm that it is divided by is summed in float32.
    private const double ScaleTolerance = 1e-5;

    /// <summary>Whether every update of the adapter has no effect.</summary>
    /// <param name="adapter">In the dtype and on the device of the base.</param>
    /// <param name="baseTensor">The base's own tensors by their names; they are only read.</param>
    public static bool Is(LoraAdapter adapter, Func<string, Tensor> baseTensor)
    {
        using var scope = NewDisposeScope();
        return adapter.Linears.All(pair => IsIdentity(pair.Key, pair.Value, baseTensor))
            && adapter.Norms.All(pair => Equal(pair.Value, baseTensor($"{pair.Key}.weight")))
            && adapter.Embedding switch
            {
                null => true,
                LowRankEmbedding lora => IsZero(lora.A, lora.B) && IsOne(lora.Scale),
                ReplacedRows rows => Equal(rows.Rows, baseTensor(EmbeddingWeight).index_select(0, rows.TokenIds)),
                ReplacedEmbedding whole => Equal(whole.Weight, baseTensor(EmbeddingWeight)),
                _ => false,
            };
    }

    private static string EmbeddingWeight => $"{ModelLayout.Embedding}.weight";

    private static bool IsIdentity(string path, LinearUpdate update, Func<string, Tensor> baseTensor) => update switch
    {
        LowRankUpdate lora => IsZero(lora.A, lora.B) && IsOne(lora.Scale) && (lora.Shift is null || IsZero(lora.Shift)),
        ReplacedLinear whole =>
            Equal(whole.Weight, baseTensor($"{path}.weight")) && (whole.Bias is null || Equal(whole.Bias, baseTensor($"{path}.bias"))),
        _ => false,
    };

    // A product is zero if either factor is.
    private static bool IsZero(params Tensor[] factors) => Array.Exists(factors, factor => factor.count_nonzero().item<long>() == 0);

    private static bool IsOne(Tensor? scale)
    {
        if (scale is null) return true;
        using var one = ones_like(scale);
        return scale.allclose(one, ScaleTolerance, ScaleTolerance);
    }

    private static bool Equal(Tensor one, Tensor other) => one.eq(other).all().item<bool>();
}
