namespace LoraServe.Engine.Adapters.Effects;

/// <summary>The strength of one module's low-rank update, and in how few directions it acts.</summary>
/// <param name="Path">The module.</param>
/// <param name="Rank">r.</param>
/// <param name="Norm">||s B A||_F.</param>
/// <param name="BaseNorm">||W||_F of the frozen weight.</param>
/// <param name="RelativeNorm">Their ratio; null if the weight is zero.</param>
/// <param name="StableRank">||s B A||_F^2 / sigma_1^2, between 1 and the rank; 0 for an update of zero.</param>
/// <param name="SingularValues">Of s B A, largest first: as many as the rank, or as the module has inputs or outputs.</param>
/// <param name="Rank90">The least rank whose best approximation keeps 90 % of ||s B A||_F^2.</param>
/// <param name="Rank99">The same for 99 %.</param>
public sealed record TargetEffect(
    string Path,
    int Rank,
    double Norm,
    double BaseNorm,
    double? RelativeNorm,
    double StableRank,
    IReadOnlyList<double> SingularValues,
    int Rank90,
    int Rank99);
