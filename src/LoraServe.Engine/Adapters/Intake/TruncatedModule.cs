namespace LoraServe.Engine.Adapters.Intake;

/// <summary>The result of truncating one module's update.</summary>
/// <param name="Path">The module.</param>
/// <param name="Rank">Its rank now.</param>
/// <param name="Energy">||s B A||_F^2 before it.</param>
/// <param name="EnergyKept">The share of it that is left, 0 to 1; 1 where the module was copied.</param>
public sealed record TruncatedModule(string Path, int Rank, double Energy, double EnergyKept);
