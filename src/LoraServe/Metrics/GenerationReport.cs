using LoraServe.Generation;

namespace LoraServe.Metrics;

/// <summary>The outcome of a text request, reported at its end.</summary>
internal sealed class GenerationReport
{
    /// <param name="run">Already disposed.</param>
    /// <param name="parameters">The request's parameters.</param>
    /// <param name="arrival">When the request arrived, as a timestamp of <see cref="TimeProvider.System"/>.</param>
    /// <param name="isAborted">Whether the client disconnected.</param>
    public GenerationReport(GenerationRun run, GenerationParameters parameters, long arrival, bool isAborted)
    {
        (Run, Parameters, Arrival) = (run, parameters, arrival);
        Choices =
        [
            .. run.Columns.SelectMany(column => column.Choices.Select(choice => (column, choice)))
                .Select((pair, index) => Report(index, pair.choice, pair.column)),
        ];

        ChoiceReport Report(int index, ChoiceStream choice, GenerationColumn column)
        {
            var outcome = choice.FinishReason?.Name() ?? (isAborted ? "abort" : "error");
            var times = choice.Times;
            times = times with { Ended = times.Ended ?? TimeProvider.System.GetElapsedTime(times.Submitted) };
            return new ChoiceReport(index, choice, column, outcome, times, TimeProvider.System.GetElapsedTime(arrival, times.Submitted));
        }
    }

    public GenerationRun Run { get; }

    public GenerationParameters Parameters { get; }

    /// <summary>When the request arrived, as a timestamp.</summary>
    public long Arrival { get; }

    public IReadOnlyList<ChoiceReport> Choices { get; }

    /// <summary>The shortest time to a first token among its choices; null if there is none.</summary>
    public TimeSpan? TimeToFirstToken => Choices.Min(choice => choice.TimeToFirstToken);

    /// <summary>The shortest time in queue among its choices.</summary>
    public TimeSpan Queue => Choices.Min(choice => choice.Times.Queue) ?? TimeSpan.Zero;

    /// <summary>Generated tokens of all choices per second of the longest inference time among them; 0 if nothing was computed.</summary>
    public double TokensPerSecond =>
        Choices.Max(choice => choice.Times.Inference) is { } time && time > TimeSpan.Zero ? Run.Usage.CompletionTokens / time.TotalSeconds : 0;

    /// <summary>abort or error if a choice ended that way, else null.</summary>
    public string? Error => ErrorOf(Choices);

    /// <summary>The choices that ran on one adapter.</summary>
    public IReadOnlyList<ChoiceReport> Of(GenerationColumn column) => [.. Choices.Where(choice => choice.Column == column)];

    /// <summary>abort or error if one of the choices ended that way, else null.</summary>
    public static string? ErrorOf(IEnumerable<ChoiceReport> choices) =>
        choices.Select(choice => choice.Outcome).FirstOrDefault(outcome => outcome is "abort" or "error");
}
