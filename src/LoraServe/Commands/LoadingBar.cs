using Spectre.Console;

namespace LoraServe.Commands;

/// <summary>A bar while weights load, where there is a terminal.</summary>
internal static class LoadingBar
{
    /// <summary>Runs the loading.</summary>
    /// <param name="load">Told where to report which part of the weights is loaded, if there is a bar.</param>
    public static T Show<T>(Func<IProgress<double>?, T> load) => !Terminal.IsInteractive
        ? load(null)
        : AnsiConsole.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new PercentageColumn(), new SpinnerColumn())
            .Start(context => load(new Bar(context, context.AddTask("Loading weights"))));

    private sealed class Bar(ProgressContext context, ProgressTask task) : IProgress<double>
    {
        public void Report(double value)
        {
            // Not the end: the engine is made of them, which takes its time on large models.
            if (value >= 1) task.Description = "Preparing the engine";
            task.Value = Math.Min(value, 0.99) * task.MaxValue;
            if (value >= 1) context.Refresh();
        }
    }
}
