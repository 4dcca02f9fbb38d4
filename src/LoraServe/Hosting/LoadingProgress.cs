using LoraServe.Commands;

namespace LoraServe.Hosting;

/// <summary>The progress of loading: on a terminal once that is asked for, and the place where loading can be stopped.</summary>
/// <param name="isStopping">Whether it should stop.</param>
internal sealed class LoadingProgress(Func<bool> isStopping) : IProgress<double>
{
    private volatile IProgress<double>? _bar;
    private double _value;
    private Thread? _thread;

    /// <exception cref="OperationCanceledException">It should stop.</exception>
    public void Report(double value)
    {
        if (isStopping()) throw new OperationCanceledException();
        Volatile.Write(ref _value, value);
        _bar?.Report(value);
    }

    /// <summary>Shows a bar until the loading has ended; does nothing outside a terminal.</summary>
    public void ShowUntil(Task ended)
    {
        if (!Terminal.IsInteractive || ended.IsCompleted) return;
        _thread = new Thread(() => LoadingBar.Show(bar =>
        {
            // It comes late: most of it may be loaded already.
            bar?.Report(Volatile.Read(ref _value));
            _bar = bar;
            return ended.Wait(Timeout.Infinite);
        }));
        (_thread.IsBackground, _thread.Name) = (true, "LoraServe progress");
        _thread.Start();
    }

    /// <summary>Waits until the bar is gone from the terminal.</summary>
    public void WaitUntilCleared() => _thread?.Join();
}
