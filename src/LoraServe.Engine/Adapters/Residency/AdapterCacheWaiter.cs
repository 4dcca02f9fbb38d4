using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>Somebody in the line before an <see cref="AdapterCache"/> that has no room.</summary>
/// <param name="version">What is asked for.</param>
/// <param name="name">What it is called there.</param>
/// <param name="bytes">Most memory that loading it needs.</param>
/// <param name="load">Reads it.</param>
internal sealed class AdapterCacheWaiter(string version, string name, long bytes, Func<LoraAdapter> load)
{
    // The cache grants under its lock: nobody's code may run there.
    private readonly TaskCompletionSource<ResidentAdapter> _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Version => version;

    public string Name => name;

    public long Bytes => bytes;

    /// <summary>The entry, with a lease counted for this waiter, which may still be loading.</summary>
    public Task<ResidentAdapter> Granted => _granted.Task;

    public void Grant(ResidentAdapter resident) => _granted.SetResult(resident);

    public void Fail(Exception reason) => _granted.SetException(reason);

    /// <summary>The adapter, owned by the caller; read on its thread once it has a turn.</summary>
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
