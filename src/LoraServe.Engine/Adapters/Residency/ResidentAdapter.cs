using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>An entry of the <see cref="AdapterCache"/>, whose lock guards it.</summary>
internal sealed class ResidentAdapter(AdapterVersionId version, string name, long bytes)
{
    private readonly TaskCompletionSource<LoraAdapter> _loading = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AdapterVersionId Version { get; } = version;

    /// <summary>What it was last asked for as.</summary>
    public string Name { get; set; } = name;

    /// <summary>What was reserved for the load, and after it what the adapter takes.</summary>
    public long Bytes { get; set; } = bytes;

    /// <summary>Ends with the adapter, or with why it cannot be loaded.</summary>
    public Task<LoraAdapter> Loading => _loading.Task;

    /// <summary>Null until it is loaded.</summary>
    public LoraAdapter? Adapter { get; set; }

    public bool IsLoaded => Adapter is not null;

    public int Leases { get; set; }

    /// <summary>Whether it goes with its last lease.</summary>
    public bool IsUnwanted { get; set; }

    /// <summary>Whether nobody would miss it now. While it loads, its memory is in use even if all who asked for it have left.</summary>
    public bool IsIdle => IsLoaded && Leases == 0;

    /// <summary>Tells who waits for the adapter that it is loaded.</summary>
    public void EndLoading() => _loading.SetResult(Adapter!);

    /// <summary>Tells who waits for the adapter why it cannot be loaded.</summary>
    public void FailLoading(Exception reason) => _loading.TrySetException(reason);
}
