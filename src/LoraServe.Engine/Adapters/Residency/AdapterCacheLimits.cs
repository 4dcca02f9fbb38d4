namespace LoraServe.Engine.Adapters.Residency;

/// <summary>What an <see cref="AdapterCache"/> may use.</summary>
internal sealed record AdapterCacheLimits
{
    /// <summary>Most memory of all adapters together, including those being loaded.</summary>
    public required long Bytes { get; init; }

    /// <summary>How long a request waits for others to release memory.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Loads at the same time: they share the processor and the disk with the requests that run.</summary>
    public int ConcurrentLoads { get; init; } = 2;

    /// <summary>The error of an adapter that could fit but got no memory.</summary>
    public AdapterCacheFullException Impatience(AdapterCacheWaiter waiter) => new(
        $"No memory for an adapter that needs {waiter.Bytes} bytes to be loaded within {Patience.TotalSeconds:0} seconds: requests that run use "
        + $"what the {Bytes} bytes of adapter-cache-bytes hold. Try again later.");

    /// <summary>The error of an adapter that can never fit; null if it can.</summary>
    public Exception? Refusal(AdapterCacheWaiter waiter, IReadOnlyDictionary<AdapterVersionId, long> pins)
    {
        if (Bytes == 0) return new AdapterTooLargeException("adapter-cache-bytes is 0: this server loads no adapters.");
        var needs = $"The adapter '{waiter.Name}' needs {waiter.Bytes} bytes of memory to be loaded";
        if (waiter.Bytes > Bytes)
            return new AdapterTooLargeException($"{needs}, adapter-cache-bytes allows {Bytes} for all of them: it cannot be used on this server.");
        var free = Math.Max(0, Bytes - pins.Where(pin => pin.Key != waiter.Version).Sum(pin => pin.Value));
        return waiter.Bytes > free
            ? new AdapterCacheFullException($"{needs}, pinned adapters leave {free} of the {Bytes} of adapter-cache-bytes.")
            : null;
    }
}
