using System.Diagnostics;
using LoraServe.Engine.Generation;

namespace LoraServe.Engine.Training.Runs;

/// <summary>Runs a training's work on the engine's thread in slices, and measures the time that it takes there.</summary>
/// <param name="engine">Stays the caller's.</param>
internal sealed class SlicedWork(LlmEngine engine)
{
    private long _ticks;

    /// <summary>Time that all of it took, waiting for requests excluded.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(Interlocked.Read(ref _ticks));

    /// <summary>Runs slices, between which requests go first.</summary>
    /// <param name="slices">Runs on the engine's thread, its end included when it is cancelled.</param>
    /// <param name="cancellationToken">Ends it between two slices.</param>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public async Task RunAsync(IEnumerable<Slice> slices, CancellationToken cancellationToken)
    {
        var steps = slices.GetEnumerator();
        try
        {
            await engine.RunInBackgroundAsync(() => Measure(steps.MoveNext), cancellationToken);
        }
        catch
        {
            // Its passes hold activations.
            await FreeAsync(steps);
            throw;
        }
    }

    /// <summary>Runs slices that must not stop half way: once it is cancelled, what is left runs at once.</summary>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public async Task FinishAsync(IEnumerable<Slice> slices, CancellationToken cancellationToken)
    {
        using var steps = slices.GetEnumerator();
        try
        {
            await engine.RunInBackgroundAsync(() => Measure(steps.MoveNext), cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await RunNowAsync(() =>
            {
                while (steps.MoveNext())
                {
                }

                return 0;
            });
        }
    }

    /// <summary>Runs one slice, when it is its turn.</summary>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        T result = default!;
        await engine.RunInBackgroundAsync(
            () =>
            {
                result = Measure(work);
                return false;
            },
            cancellationToken);
        return result;
    }

    /// <summary>Runs one slice before anything else.</summary>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public Task<T> RunNowAsync<T>(Func<T> work) => engine.InvokeAsync(() => Measure(work));

    /// <summary>Takes note of time that was worked elsewhere.</summary>
    public void Add(TimeSpan elapsed) => Interlocked.Add(ref _ticks, elapsed.Ticks);

    /// <summary>Frees what belongs to the engine's thread: there, or here once that has ended.</summary>
    public async Task FreeAsync(IDisposable resource)
    {
        try
        {
            await engine.InvokeAsync(() =>
            {
                resource.Dispose();
                return 0;
            });
        }
        catch (EngineOverloadedException)
        {
            resource.Dispose();
        }
    }

    private T Measure<T>(Func<T> work)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            return work();
        }
        finally
        {
            Add(Stopwatch.GetElapsedTime(start));
        }
    }
}
