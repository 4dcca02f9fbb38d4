using Spectre.Console;

namespace LoraServe.Commands;

/// <summary>Progress bars for long work, on a terminal.</summary>
internal static class ProgressBars
{
    // The narrowest terminal with room for a bar and the time left beside a useful description.
    private const int RoomForBar = 80;

    /// <summary>Bars that disappear at the end.</summary>
    public static Progress Create() => AnsiConsole.Progress().AutoClear(true).Columns(
    [
        new TaskDescriptionColumn { Alignment = Justify.Left },
        .. Terminal.Width < RoomForBar ? Array.Empty<ProgressColumn>() : [new ProgressBarColumn { Width = RoomForBar / 4 }],
        new PercentageColumn(),
        .. Terminal.Width < RoomForBar ? Array.Empty<ProgressColumn>() : [new RemainingTimeColumn()],
    ]);

    /// <summary>Runs a training with a bar on a terminal.</summary>
    /// <param name="steps">Steps of the training; the bar has one more for the work after them.</param>
    /// <param name="run">Gets where to show progress.</param>
    public static Task<T> RunAsync<T>(int steps, Func<TrainingProgress, Task<T>> run) => !Terminal.IsInteractive
        ? run(new TrainingProgress(null, steps))
        : Create().StartAsync(context => run(new TrainingProgress((context, context.AddTask("beginning", maxValue: steps + 1)), steps)));
}
