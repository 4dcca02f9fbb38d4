using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Runs;

/// <summary>
/// Which of two evaluations on the same examples is better: by exact match, which is what users see, where the difference is beyond its
/// standard error, else by loss. A few dozen generated examples alone say too little.
/// </summary>
internal static class BestEvaluation
{
    /// <summary>By which figure an evaluation is better than the best one so far; null if it is not.</summary>
    /// <param name="figures">The evaluation.</param>
    /// <param name="best">The best one so far; null for the first.</param>
    public static BestBy? Compare(EvaluationFigures figures, EvaluationFigures? best)
    {
        if (best is null) return BestBy.Loss;
        if (figures.ExactMatch is { } match && best.ExactMatch is { } before && Math.Abs(match - before) > StandardError(figures, best))
            return match > before ? BestBy.ExactMatch : null;
        return figures.Loss < best.Loss ? BestBy.Loss : null;
    }

    private static double StandardError(EvaluationFigures a, EvaluationFigures b) =>
        double.Hypot(
            Binomial.StandardError(a.ExactMatch!.Value, a.GeneratedExamples), Binomial.StandardError(b.ExactMatch!.Value, b.GeneratedExamples));
}
