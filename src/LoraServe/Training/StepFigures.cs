using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LoraServe.Api.FineTuning;
using LoraServe.Engine.Training.Results;
using LoraServe.Jobs;

namespace LoraServe.Training;

/// <summary>The figures of one training step, collected from its events.</summary>
/// <param name="Step">From 1.</param>
internal sealed record StepFigures(int Step)
{
    public const string TrainLoss = "train_loss";
    public const string TrainAccuracy = "train_mean_token_accuracy";
    public const string ValidLoss = "full_valid_loss";
    public const string ValidAccuracy = "full_valid_mean_token_accuracy";
    public const string ValidExactMatch = "valid_exact_match";
    public const string Examples = "valid_examples";
    public const string GeneratedExamples = "valid_generated_examples";

    public double? Loss { get; init; }

    public double? TokenAccuracy { get; init; }

    /// <summary>Null if there was no evaluation after this step.</summary>
    public FiguresResource? Validation { get; init; }

    /// <summary>The figures of every step in the events, in order.</summary>
    public static IReadOnlyList<StepFigures> From(IEnumerable<JobEvent> events) =>
        [.. events.GroupBy(happened => happened.Step!.Value).OrderBy(step => step.Key).Select(step => Of(step.Key, step))];

    /// <summary>The figures of one step.</summary>
    public static StepFigures Of(int step, IEnumerable<JobEvent> events)
    {
        var data = events.Select(happened => happened.Data).OfType<JsonObject>().ToList();
        var training = data.FindLast(figures => figures.ContainsKey(TrainLoss));
        var validation = data.FindLast(figures => figures.ContainsKey(ValidLoss));
        return new StepFigures(step)
        {
            Loss = Number(training, TrainLoss),
            TokenAccuracy = Number(training, TrainAccuracy),
            Validation = validation is null ? null : FiguresResource.From(new EvaluationFigures(
                Number(validation, ValidLoss) ?? double.NaN,
                Number(validation, ValidAccuracy) ?? double.NaN,
                Number(validation, ValidExactMatch),
                (int)(Number(validation, Examples) ?? 0),
                (int)(Number(validation, GeneratedExamples) ?? 0))),
        };
    }

    /// <summary>A table with OpenAI's columns.</summary>
    public static string ToCsv(IEnumerable<StepFigures> steps)
    {
        var text = new StringBuilder("step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n");
        foreach (var step in steps)
        {
            string?[] cells =
            [
                Show(step.Step),
                Show(step.Loss),
                Show(step.TokenAccuracy),
                Show(step.Validation?.Loss),
                Show(step.Validation?.TokenAccuracy),
            ];
            text.AppendJoin(',', cells).Append('\n');
        }

        return text.ToString();
    }

    private static double? Number(JsonObject? figures, string name) => (double?)figures?[name];

    private static string? Show(double? number) => number?.ToString("R", CultureInfo.InvariantCulture);
}
