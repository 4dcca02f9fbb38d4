namespace LoraServe.Engine.Lora;

/// <summary>The singular values of an update s B A: how strong it is, and in how few directions.</summary>
/// <param name="values">Largest first, at least one.</param>
internal sealed class LowRankSpectrum(IReadOnlyList<double> values)
{
    /// <summary>Largest first.</summary>
    public IReadOnlyList<double> Values { get; } = values;

    /// <summary>The sum of squares: ||s B A||_F^2.</summary>
    public double Energy => EnergyOf(Values.Count);

    /// <summary>||s B A||_F.</summary>
    public double Norm => Math.Sqrt(Energy);

    /// <summary>||s B A||_F^2 / sigma_1^2, between 1 and the rank (Rudelson and Vershynin 2007); 0 for an update of zero.</summary>
    public double StableRank => Energy == 0 ? 0 : Energy / (Values[0] * Values[0]);

    /// <summary>
    /// exp of the entropy of the singular values, normalized by their sum (Roy and Vetterli 2007), between 1 and the rank; 0 for a zero update.
    /// </summary>
    public double EffectiveRank
    {
        get
        {
            var sum = Values.Sum();
            return sum == 0 ? 0 : Math.Exp(-Values.Where(value => value > 0).Sum(value => value / sum * Math.Log(value / sum)));
        }
    }

    /// <summary>The sum of squares that the best approximation of this rank keeps.</summary>
    public double EnergyOf(int rank)
    {
        var kept = 0.0;
        for (var i = 0; i < Math.Min(rank, Values.Count); i++) kept += Values[i] * Values[i];
        return kept;
    }

    /// <summary>The smallest rank whose best approximation keeps this share of the energy; 0 for a zero update.</summary>
    /// <param name="share">0 to 1.</param>
    public int RankFor(double share)
    {
        var (rank, kept, wanted) = (0, 0.0, share * Energy);
        for (; kept < wanted; rank++) kept += Values[rank] * Values[rank];
        return rank;
    }
}
