using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Peft;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>
/// Measures in how few directions trained adapters change their modules. The directions are those of the product B A: A alone starts
/// at random, and directions without training still show that start.
/// </summary>
/// <param name="modules">The base.</param>
internal sealed class UpdateSpectra(ModelModules modules)
{
    /// <summary>The spectra of the first adapter, and the overlap of its directions with the second's.</summary>
    /// <param name="folders">PEFT folders of one or two seeds.</param>
    /// <param name="rank">The rank that was trained.</param>
    /// <param name="target">The placement that was trained.</param>
    public RankSpectrum Read(IReadOnlyList<string> folders, int rank, string target)
    {
        using var first = PeftAdapter.Open(folders[0], modules, int.MaxValue, allowNoEffect: true);
        using var second = folders.Count > 1 ? PeftAdapter.Open(folders[1], modules, int.MaxValue, allowNoEffect: true) : null;
        var others = second?.Modules.ToDictionary(module => module.Linear.Path, StringComparer.Ordinal);
        return new RankSpectrum(
            rank, target, [.. first.Modules.Select(module => Of(module, Svd(first, module), Other(module.Linear.Path)))]);

        LowRankSvd? Other(string path) => others is null ? null : Svd(second!, others[path]);
    }

    private static ModuleSpectrum Of(PeftModule module, LowRankSvd svd, LowRankSvd? other)
    {
        var spectrum = svd.Spectrum(module.Scaling);
        return new ModuleSpectrum(
            module.Linear.Path,
            module.Linear.InFeatures,
            spectrum.Values,
            spectrum.EffectiveRank,
            other is null ? [] : SubspaceSimilarity.Of(svd.RightDirections(), other.RightDirections()));
    }

    private static LowRankSvd Svd(PeftAdapter adapter, PeftModule module)
    {
        using var a = adapter.Read(module.A);
        using var b = adapter.Read(module.B);
        return LowRankSvd.Of(a, b);
    }
}
