namespace LoraServe.Engine.Training.Ranks;

/// <summary>The spectra of updates of a high rank.</summary>
/// <param name="Rank">The rank that was trained.</param>
/// <param name="Target">The placement that was trained.</param>
/// <param name="Modules">One for each target module, in the order of the forward pass.</param>
public sealed record RankSpectrum(int Rank, string Target, IReadOnlyList<ModuleSpectrum> Modules);

/// <summary>The update of one module.</summary>
/// <param name="Path">The module.</param>
/// <param name="InFeatures">Inputs of the module: the dimension of the directions.</param>
/// <param name="SingularValues">Of s B A, the largest first, as many as the rank.</param>
/// <param name="EffectiveRank">exp of the entropy of the normalised singular values (Roy and Vetterli 2007).</param>
/// <param name="Overlap">
/// <see cref="SubspaceSimilarity"/> of the first i right singular directions of B A of one seed and the first j of another's, [i - 1][j - 1];
/// empty if only one seed was trained.
/// </param>
public sealed record ModuleSpectrum(
    string Path, int InFeatures, IReadOnlyList<double> SingularValues, double EffectiveRank, IReadOnlyList<IReadOnlyList<double>> Overlap);
