using Spectre.Console;

namespace LoraServe.Commands;

/// <summary>Bars for what takes its time, where there is a terminal.</summary>
internal static class ProgressBars
{
    // A bar and the time left beside a description that is worth reading.
    private const int RoomForBar = 80;

    /// <summary>Bars that go away at the end.</summary>
    public static Progress Create() => AnsiConsole.Progress().AutoClear(true).Columns(
    [
        new TaskDescriptionColumn { Alignment = Justify.Left },
        .. Terminal.Width < RoomForBar ? Array.Empty<ProgressColumn>() : [new ProgressBarColumn { Width = RoomForBar / 4 }],
        new PercentageColumn(),
        .. Terminal.Width < RoomForBar ? Array.Empty<ProgressColumn>() : [new RemainingTimeColumn()],
    ]);

    /// <summary>Runs a training with a bar where there is a terminal.</summary>
    /// <param name="steps">Steps of the training; the bar has one more, for what comes after them.</param>
    /// <param name="run">Told where to show how it goes.</param>
    public static Task<T> RunAsync<T>(int steps, Func<TrainingProgress, Task<T>> run) => !Terminal.IsInteractive
        ? run(new TrainingProgress(null, steps))
        : Create().StartAsync(context => run(new TrainingProgress((context, context.AddTask("beginning", maxValue: steps + 1)), steps)));
}
