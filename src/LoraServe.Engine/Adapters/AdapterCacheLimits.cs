namespace LoraServe.Engine.Adapters;

/// <summary>What an <see cref="AdapterCache"/> may use.</summary>
internal sealed record AdapterCacheLimits
{
    /// <summary>Most memory of all adapters together, those that are being loaded among them.</summary>
    public required long Bytes { get; init; }

    /// <summary>How long a request waits for others to let go of memory.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Loads at the same time: they share the processor and the disk with the requests that run.</summary>
    public int ConcurrentLoads { get; init; } = 2;

    /// <summary>Why this can never be loaded, however long it waits; null if it can.</summary>
    public string? WhyNever(AdapterCacheWaiter waiter, IReadOnlyDictionary<string, long> pins)
    {
        var pinned = pins.Where(pin => pin.Key != waiter.Version).Sum(pin => pin.Value);
        return Bytes == 0 ? "adapter-cache-bytes is 0: this server loads no adapters."
            : waiter.Bytes > Bytes ? $"The adapter needs {waiter.Bytes} bytes of memory, adapter-cache-bytes allows {Bytes} for all of them."
            : waiter.Bytes > Bytes - pinned
                ? $"The adapter needs {waiter.Bytes} bytes of memory, pinned adapters leave {Math.Max(0, Bytes - pinned)} of the {Bytes} of "
                    + "adapter-cache-bytes."
            : null;
    }
}
