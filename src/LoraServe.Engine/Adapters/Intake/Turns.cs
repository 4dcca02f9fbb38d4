using System.Diagnostics.CodeAnalysis;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>Limits how many callers do something at the same time.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore without a wait handle has nothing to dispose.")]
internal sealed class Turns(int most)
{
    private readonly SemaphoreSlim _free = new(most);

    /// <summary>Waits for a turn, which ends when it is disposed.</summary>
    public async Task<IDisposable> TakeAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        return new Turn(_free);
    }

    /// <summary>The same with a timeout; null if no turn came in time.</summary>
    public async Task<IDisposable?> TryTakeAsync(TimeSpan patience, CancellationToken cancellationToken) =>
        await _free.WaitAsync(patience, cancellationToken) ? new Turn(_free) : null;

    private sealed class Turn(SemaphoreSlim free) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0) free.Release();
        }
    }
}
