using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>An entry of the <see cref="AdapterCache"/>, whose lock guards it.</summary>
internal sealed class ResidentAdapter(AdapterVersionId version, string name, long bytes)
{
    private readonly TaskCompletionSource<LoraAdapter> _loading = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AdapterVersionId Version { get; } = version;

    /// <summary>The name that was last requested.</summary>
    public string Name { get; set; } = name;

    /// <summary>The memory reserved for the load, and afterwards what the adapter takes.</summary>
    public long Bytes { get; set; } = bytes;

    /// <summary>Completes with the adapter, or with the reason it cannot be loaded.</summary>
    public Task<LoraAdapter> Loading => _loading.Task;

    /// <summary>Null until it is loaded.</summary>
    public LoraAdapter? Adapter { get; set; }

    public bool IsLoaded => Adapter is not null;

    public int Leases { get; set; }

    /// <summary>Whether it is freed with its last lease.</summary>
    public bool IsUnwanted { get; set; }

    /// <summary>Whether it can be evicted. While it loads, its memory is in use even if every request for it has gone.</summary>
    public bool IsIdle => IsLoaded && Leases == 0;

    /// <summary>Completes the waits with the adapter.</summary>
    public void EndLoading() => _loading.SetResult(Adapter!);

    /// <summary>Fails the waits with the reason it cannot be loaded.</summary>
    public void FailLoading(Exception reason) => _loading.TrySetException(reason);
}
