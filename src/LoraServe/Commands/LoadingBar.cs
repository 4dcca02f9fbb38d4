using Spectre.Console;

namespace LoraServe.Commands;

/// <summary>A progress bar while weights load, on a terminal.</summary>
internal static class LoadingBar
{
    /// <summary>Runs the load.</summary>
    /// <param name="load">Gets where to report the fraction of the weights loaded; null without a bar.</param>
    public static T Show<T>(Func<IProgress<double>?, T> load) => !Terminal.IsInteractive
        ? load(null)
        : AnsiConsole.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new PercentageColumn(), new SpinnerColumn())
            .Start(context => load(new Bar(context, context.AddTask("Loading weights"))));

    private sealed class Bar(ProgressContext context, ProgressTask task) : IProgress<double>
    {
        public void Report(double value)
        {
            // Not the end: building the engine from the weights takes a while for large models.
            if (value >= 1) task.Description = "Preparing the engine";
            task.Value = Math.Min(value, 0.99) * task.MaxValue;
            if (value >= 1) context.Refresh();
        }
    }
}
