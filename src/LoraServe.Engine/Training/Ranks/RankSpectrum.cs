namespace LoraServe.Engine.Training.Ranks;

/// <summary>What the updates of a high rank look like.</summary>
/// <param name="Rank">The rank that was trained.</param>
/// <param name="Modules">One for each target module.</param>
public sealed record RankSpectrum(int Rank, IReadOnlyList<ModuleSpectrum> Modules);

/// <summary>The update of one module.</summary>
/// <param name="Path">The module.</param>
/// <param name="SingularValues">Of s B A, the largest first, as many as the rank.</param>
/// <param name="EffectiveRank">exp of the entropy of the normalised singular values (Roy and Vetterli 2007).</param>
/// <param name="Overlap">
/// Grassmann similarity phi(i, j) of the first i right singular directions of A of one seed and the first j of another (Hu et al. 2021,
/// section 7.2), from 0 to 1, [i - 1][j - 1].
/// </param>
public sealed record ModuleSpectrum(
    string Path, IReadOnlyList<double> SingularValues, double EffectiveRank, IReadOnlyList<IReadOnlyList<double>> Overlap);
