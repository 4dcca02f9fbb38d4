using System.Globalization;
using LoraServe.Api.FineTuning;

namespace LoraServe.Training;

/// <summary>Where a trained adapter comes from, in a sentence that stays with it.</summary>
internal static class Provenance
{
    /// <summary>Of a state of a training.</summary>
    /// <param name="jobId">The training.</param>
    /// <param name="state">What is known of it, its data included.</param>
    /// <param name="step">After which step.</param>
    /// <param name="validation">The held-out examples at that step; null where there are none.</param>
    public static string Of(string jobId, FineTuningState state, int step, FiguresResource? validation) =>
        $"trained by {jobId} on data {state.Data}, step {step}{Figures(validation)}";

    private static string Figures(FiguresResource? validation)
    {
        if (validation is null) return "";
        var match = validation.ExactMatch is { } exact ? FormattableString.Invariant($", exact match {exact:0.####}") : "";
        FormattableString figures = $": validation loss {validation.Loss:0.####}, token accuracy {validation.TokenAccuracy:0.####}";
        return figures.ToString(CultureInfo.InvariantCulture) + match;
    }
}
