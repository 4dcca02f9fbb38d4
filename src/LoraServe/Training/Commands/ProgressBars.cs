using Spectre.Console;

namespace LoraServe.Training.Commands;

/// <summary>Runs a training with a bar where there is a terminal.</summary>
internal static class ProgressBars
{
    /// <param name="steps">Steps of the training.</param>
    /// <param name="run">Told where to show how it goes.</param>
    public static Task<T> RunAsync<T>(int steps, Func<TrainingProgress, Task<T>> run) => !CommandConsole.IsInteractive
        ? run(new TrainingProgress(bar: null, prefix: "", steps))
        : AnsiConsole.Progress().AutoClear(true).Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new RemainingTimeColumn())
            .StartAsync(context => run(new TrainingProgress(context.AddTask("", maxValue: steps), prefix: "", steps)));
}
