using System.Diagnostics;
using LoraServe.Engine.Generation;

namespace LoraServe.Engine.Training.Runs;

/// <summary>Runs a training's work on the engine's thread, and measures the time that it takes there.</summary>
/// <param name="engine">Stays the caller's.</param>
internal sealed class EngineWork(LlmEngine engine)
{
    private long _ticks;

    /// <summary>Total time of the work, without waiting for requests.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(Interlocked.Read(ref _ticks));

    /// <summary>Runs work in slices; requests go first in between.</summary>
    /// <param name="work">Disposed on the engine's thread if it fails or is cancelled.</param>
    /// <param name="cancellationToken">Ends it between two slices.</param>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public async Task RunAsync(ISlicedWork work, CancellationToken cancellationToken)
    {
        try
        {
            await engine.RunInBackgroundAsync(new MeasuredWork(work, this), cancellationToken);
        }
        catch
        {
            // Its passes hold activations.
            await FreeAsync(work);
            throw;
        }
    }

    /// <summary>Runs work that must not stop midway: once cancelled, the rest runs at once.</summary>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public async Task FinishAsync(ISlicedWork work, CancellationToken cancellationToken)
    {
        var measured = new MeasuredWork(work, this);
        try
        {
            await engine.RunInBackgroundAsync(measured, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await engine.InvokeAsync(() =>
            {
                while (measured.Advance())
                {
                }
            });
        }
    }

    /// <summary>Runs a function as one slice.</summary>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public async Task<T> RunAsync<T>(Func<T> function, CancellationToken cancellationToken)
    {
        var work = new SingleSlice<T>(function);
        await RunAsync(work, cancellationToken);
        return work.Result;
    }

    /// <summary>Runs a function before anything else.</summary>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public async Task<T> RunNowAsync<T>(Func<T> function)
    {
        var work = new SingleSlice<T>(function);
        await engine.InvokeAsync(() => new MeasuredWork(work, this).Advance());
        return work.Result;
    }

    /// <summary>Adds time that was spent elsewhere.</summary>
    public void Add(TimeSpan elapsed) => Interlocked.Add(ref _ticks, elapsed.Ticks);

    /// <summary>Frees an object of the engine's thread: there, or here once that has ended.</summary>
    public async Task FreeAsync(IDisposable resource)
    {
        try
        {
            await engine.InvokeAsync(resource.Dispose);
        }
        catch (EngineOverloadedException)
        {
            resource.Dispose();
        }
    }

    private sealed class MeasuredWork(ISlicedWork work, EngineWork sum) : ISlicedWork
    {
        public bool Advance()
        {
            var start = Stopwatch.GetTimestamp();
            try
            {
                return work.Advance();
            }
            finally
            {
                sum.Add(Stopwatch.GetElapsedTime(start));
            }
        }
    }

    private sealed class SingleSlice<T>(Func<T> function) : ISlicedWork
    {
        public T Result { get; private set; } = default!;

        public bool Advance()
        {
            Result = function();
            return false;
        }
    }
}
