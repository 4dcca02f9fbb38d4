using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>A request that waits for an adapter in the line of an <see cref="AdapterCache"/>.</summary>
/// <param name="version">The adapter version.</param>
/// <param name="name">The name in the request.</param>
/// <param name="bytes">Most memory that loading it needs.</param>
/// <param name="load">Reads it.</param>
internal sealed class AdapterCacheWaiter(AdapterVersionId version, string name, long bytes, Func<LoraAdapter> load)
{
    // The cache grants under its lock, where no code of a caller may run.
    private readonly TaskCompletionSource<ResidentAdapter> _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AdapterVersionId Version => version;

    public string Name => name;

    public long Bytes => bytes;

    /// <summary>The entry, with a lease counted for this waiter, which may still be loading.</summary>
    public Task<ResidentAdapter> Granted => _granted.Task;

    /// <summary>The same, as soon as it is granted.</summary>
    /// <param name="limits">How long to wait.</param>
    /// <param name="time">Measures it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="AdapterCacheFullException">It was not granted in time.</exception>
    public async Task<ResidentAdapter> WaitAsync(AdapterCacheLimits limits, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            return await Granted.WaitAsync(limits.Patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw limits.Impatience(this);
        }
    }

    public void Grant(ResidentAdapter resident) => _granted.SetResult(resident);

    public void Fail(Exception reason) => _granted.SetException(reason);

    /// <summary>Reads the adapter, which the caller owns, on the caller's thread once it has a turn.</summary>
    public async Task<LoraAdapter> LoadAsync(Turns turns)
    {
        using var turn = await turns.TakeAsync(CancellationToken.None);
        var adapter = load();
        if (adapter.Bytes <= bytes) return adapter;
        var found = adapter.Bytes;
        adapter.Dispose();
        throw new InvalidOperationException($"The adapter {version} takes {found} bytes, {bytes} were reserved for it.");
    }
}
