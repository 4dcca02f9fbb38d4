using System.Collections.Concurrent;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Peft;
using static TorchSharp.torch;

namespace LoraServe.Engine.Adapters.Effects;

/// <summary>
/// Compares the weights of adapters with those of their base. Norms of the base are computed when they are first needed, and kept. Safe for
/// any number of threads.
/// </summary>
/// <param name="baseTensor">The base's own tensors by their names in the checkpoint, a tied head's too; they are only read.</param>
internal sealed class EffectAnalysis(Func<string, Tensor> baseTensor)
{
    private readonly ConcurrentDictionary<string, double> _baseNorms = new(StringComparer.Ordinal);

    /// <summary>The effect of an adapter, <see cref="AdapterEffect.MeanKl"/> apart.</summary>
    public AdapterEffect Compute(PeftAdapter adapter)
    {
        var targets = adapter.Modules.Select(module => Target(adapter, module)).ToList();
        return new AdapterEffect
        {
            RelativeNorm = Ratio(Length(targets.Select(target => target.Norm)), Length(targets.Select(target => target.BaseNorm))),
            Targets = targets,
            Parts =
            [
                .. adapter.Modules.Where(module => module.Magnitude is not null).Select(module => Magnitude(adapter, module)),
                .. adapter.Modules.Where(module => module.LoraBias is not null).Select(module => LoraBias(adapter, module)),
                .. adapter.Content.Biases.Select(bias => Replaced(adapter, bias.Key, "bias", bias.Value)),
                .. adapter.Content.Saved.Select(saved => Replaced(adapter, saved.Key, "weight", saved.Value.Weight)),
                .. adapter.Content.Saved.Where(saved => saved.Value.Bias is not null)
                    .Select(saved => Replaced(adapter, saved.Key, "bias", saved.Value.Bias!)),
                .. adapter.Content.TokenRows.Select(rows => Tokens(adapter, rows.Key, rows.Value)),
            ],
        };
    }

    private TargetEffect Target(PeftAdapter adapter, PeftModule module)
    {
        using var a = adapter.Read(module.A);
        using var b = adapter.Read(module.B);
        var spectrum = LowRankSvd.Of(a, b).Spectrum(module.Scaling);
        var baseNorm = BaseNorm($"{module.Linear.Path}.weight");
        return new TargetEffect(
            module.Linear.Path,
            module.Rank,
            spectrum.Norm,
            baseNorm,
            Ratio(spectrum.Norm, baseNorm),
            spectrum.StableRank,
            spectrum.Values,
            spectrum.RankFor(0.90),
            spectrum.RankFor(0.99));
    }

    // Replaces a tensor of the base, whose name ends in the part's.
    private PartEffect Replaced(PeftAdapter adapter, string path, string part, SafetensorsEntry entry)
    {
        using var trained = adapter.Read(entry);
        var name = $"{path}.{part}";
        return Part(path, part, FrobeniusNorm.OfDifference(trained, baseTensor(name)), BaseNorm(name));
    }

    // m of DoRA begins as the norms of the rows of W; those of the embedding are its columns.
    private PartEffect Magnitude(PeftAdapter adapter, PeftModule module)
    {
        using var scope = NewDisposeScope();
        var weight = baseTensor($"{module.Linear.Path}.weight");
        var begun = FrobeniusNorm.OfRows(module.Linear.Path == ModelLayout.Embedding ? weight.t() : weight);
        using var magnitude = adapter.Read(module.Magnitude!);
        var difference = FrobeniusNorm.OfDifference(magnitude, tensor(begun));
        return Part(module.Linear.Path, "magnitude", difference, Length(begun));
    }

    private PartEffect LoraBias(PeftAdapter adapter, PeftModule module)
    {
        using var bias = adapter.Read(module.LoraBias!);
        var path = module.Linear.Path;
        return Part(
            path, "lora_bias", Math.Abs(module.Scaling) * FrobeniusNorm.Of(bias), module.Linear.HasBias ? BaseNorm($"{path}.bias") : 0);
    }

    private PartEffect Tokens(PeftAdapter adapter, string path, TokenRows rows)
    {
        using var scope = NewDisposeScope();
        using var trained = adapter.Read(rows.Rows);
        var weight = baseTensor($"{path}.weight");
        var own = weight.index_select(0, tensor(rows.Ids.Select(id => (long)id).ToArray(), device: weight.device));
        return Part(path, "tokens", FrobeniusNorm.OfDifference(trained, own), FrobeniusNorm.Of(own));
    }

    private static PartEffect Part(string path, string part, double norm, double baseNorm) =>
        new(path, part, norm, baseNorm, Ratio(norm, baseNorm));

    private double BaseNorm(string name) => _baseNorms.GetOrAdd(name, _ => FrobeniusNorm.Of(baseTensor(name)));

    private static double? Ratio(double norm, double baseNorm) => baseNorm == 0 ? null : norm / baseNorm;

    private static double Length(IEnumerable<double> values) => Math.Sqrt(values.Sum(value => value * value));
}
