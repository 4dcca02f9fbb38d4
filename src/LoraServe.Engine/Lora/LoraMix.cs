using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>
/// A mix of adapters as one adapter, exact by concatenating ranks: the sum of w_i B_i A_i is [w_1 B_1, w_2 B_2, ...] [A_1; A_2; ...].
/// </summary>
internal static class LoraMix
{
    /// <summary>Why an adapter cannot be part of a mix with any coefficient, worded to follow its name; null if it can.</summary>
    public static string? Refusal(LoraAdapter part) =>
        part.InvocationTokens.Count > 0 ? "is an activated LoRA, which acts on a part of the tokens only"
        : part.Norms.Count > 0 ? "replaces norms, and replaced weights do not add up"
        : part.Linears.FirstOrDefault(pair => pair.Value is ReplacedLinear) is { Key: { } replaced }
            ? $"replaces {replaced}, and replaced weights do not add up"
        : part.Embedding is ReplacedRows or ReplacedEmbedding ? "replaces rows of the embedding, and replaced weights do not add up"
        : part.Embedding is LowRankEmbedding { Scale: not null }
            || part.Linears.Values.Any(update => update is LowRankUpdate { Scale: not null }) ? "is a DoRA, whose scale depends on the sum of all updates"
        : null;

    /// <summary>The mix; it has tensors of its own, in no dispose scope.</summary>
    /// <param name="version">Identifies parts and coefficients.</param>
    /// <param name="parts">At least one, on one device and of one dtype; coefficients may be negative.</param>
    /// <exception cref="ArgumentException">A part cannot be mixed; the message says why.</exception>
    public static LoraAdapter Combine(AdapterVersionId version, IReadOnlyList<(LoraAdapter Adapter, double Coefficient)> parts)
    {
        foreach (var (adapter, _) in parts)
            if (Refusal(adapter) is { } reason) throw new ArgumentException($"Adapter {adapter.Version} {reason}.", nameof(parts));

        using var normalMode = inference_mode(false);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var paths = parts.SelectMany(part => part.Adapter.Linears.Keys).Distinct(StringComparer.Ordinal);
        var linears = paths.ToDictionary(path => path, path => (LinearUpdate)Linear(path, parts), StringComparer.Ordinal);
        var mix = new LoraAdapter(version, linears) { Embedding = Embedding(parts) };
        mix.DetachFromDisposeScope();
        return mix;
    }

    private static LowRankUpdate Linear(string path, IReadOnlyList<(LoraAdapter Adapter, double Coefficient)> parts)
    {
        var updates = parts.Where(part => part.Adapter.Linears.ContainsKey(path))
            .Select(part => (Lora: (LowRankUpdate)part.Adapter.Linears[path], part.Coefficient)).ToList();
        var shifts = updates.Where(update => update.Lora.Shift is not null)
            .Select(update => Times(update.Lora.Shift!, update.Coefficient)).ToList();
        return new LowRankUpdate(
            cat([.. updates.Select(update => update.Lora.A)], dim: 0),
            Beside(updates.Select(update => (update.Lora.B, update.Coefficient))),
            Shift: shifts.Count == 0 ? null : stack(shifts).sum(dim: 0).to(updates[0].Lora.B.dtype));
    }

    private static LowRankEmbedding? Embedding(IReadOnlyList<(LoraAdapter Adapter, double Coefficient)> parts)
    {
        var updates = parts.Where(part => part.Adapter.Embedding is not null)
            .Select(part => (Lora: (LowRankEmbedding)part.Adapter.Embedding!, part.Coefficient)).ToList();
        return updates.Count == 0
            ? null
            : new LowRankEmbedding(
                cat([.. updates.Select(update => update.Lora.A)], dim: 0),
                Beside(updates.Select(update => (update.Lora.B, update.Coefficient))));
    }

    private static Tensor Beside(IEnumerable<(Tensor B, double Coefficient)> parts) =>
        cat([.. parts.Select(part => Times(part.B, part.Coefficient).to(part.B.dtype))], dim: 1);

    // In float32, so that it is rounded once.
    private static Tensor Times(Tensor tensor, double coefficient)
    {
        using var factor = ((float)coefficient).ToScalar();
        return tensor.to(ScalarType.Float32, copy: true).mul_(factor);
    }
}
