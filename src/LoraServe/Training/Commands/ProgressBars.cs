using Spectre.Console;

namespace LoraServe.Training.Commands;

/// <summary>Bars for trainings where there is a terminal.</summary>
internal static class ProgressBars
{
    /// <summary>Bars that go away at the end.</summary>
    public static Progress Create() => AnsiConsole.Progress().AutoClear(true).Columns(
        new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn());

    /// <summary>Runs a training with a bar where there is a terminal.</summary>
    /// <param name="steps">Steps of the training.</param>
    /// <param name="run">Told where to show how it goes.</param>
    public static Task<T> RunAsync<T>(int steps, Func<TrainingProgress, Task<T>> run) => !CommandConsole.IsInteractive
        ? run(new TrainingProgress(bar: null, prefix: "", steps))
        : Create().StartAsync(context => run(new TrainingProgress(context.AddTask("", maxValue: steps), prefix: "", steps)));
}
