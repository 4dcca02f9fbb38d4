using System.Globalization;
using LoraServe.Api.FineTuning;

namespace LoraServe.Training;

/// <summary>The origin of a trained adapter, as a sentence stored with it.</summary>
internal static class Provenance
{
    /// <summary>Of a checkpoint or result.</summary>
    /// <param name="jobId">The training.</param>
    /// <param name="state">Its state, with its data.</param>
    /// <param name="step">The step.</param>
    /// <param name="validation">Held-out figures at that step; null if there are none.</param>
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
