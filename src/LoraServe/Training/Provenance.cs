using System.Globalization;
using LoraServe.Engine.Training;
using LoraServe.Jobs;

namespace LoraServe.Training;

/// <summary>Where a trained adapter comes from, in a sentence that stays with it.</summary>
internal static class Provenance
{
    /// <summary>Of a state of a training.</summary>
    public static string Of(StoredJob job, TrainingPlan plan, int step, FiguresResource? validation) =>
        $"trained by {job.Id} on data {plan.Training.Hash}, step {step} of {plan.Settings.Steps}{Figures(validation)}";

    /// <summary>Of a state of a training whose data is not at hand.</summary>
    public static string Of(StoredJob job, int step, FiguresResource? validation) =>
        $"trained by {job.Id}, step {step}{Figures(validation)}";

    private static string Figures(FiguresResource? validation)
    {
        if (validation is null) return "";
        var match = validation.ExactMatch is { } exact ? FormattableString.Invariant($", exact match {exact:0.####}") : "";
        FormattableString figures = $": validation loss {validation.Loss:0.####}, token accuracy {validation.TokenAccuracy:0.####}";
        return figures.ToString(CultureInfo.InvariantCulture) + match;
    }
}
