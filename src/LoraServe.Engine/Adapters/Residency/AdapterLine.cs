namespace LoraServe.Engine.Adapters.Residency;

/// <summary>
/// The line of requests waiting for an <see cref="AdapterCache"/>, whose lock guards it. First come, first served: what needs less room does not
/// overtake, only what needs none.
/// </summary>
/// <param name="residents">What is in memory.</param>
/// <param name="limits">Refuses what can never fit.</param>
internal sealed class AdapterLine(ResidentAdapters residents, AdapterCacheLimits limits)
{
    private readonly LinkedList<AdapterCacheWaiter> _waiters = new();

    /// <summary>Requests that found their adapter resident or being loaded.</summary>
    public long Hits { get; private set; }

    /// <summary>Requests that made it load.</summary>
    public long Misses { get; private set; }

    public int Count => _waiters.Count;

    /// <summary>The names waited for, in the order of the line.</summary>
    public IEnumerable<string> Names => _waiters.Select(waiter => waiter.Name);

    /// <summary>Whether a request waits for a version.</summary>
    public bool Has(AdapterVersionId version) => _waiters.Any(waiter => waiter.Version == version);

    public void Add(AdapterCacheWaiter waiter) => _waiters.AddLast(waiter);

    /// <summary>Removes a request from the line; false if it is no longer in it.</summary>
    public bool Remove(AdapterCacheWaiter waiter) => _waiters.Remove(waiter);

    /// <summary>Ends all waits.</summary>
    public void Fail(Exception reason)
    {
        foreach (var waiter in _waiters) waiter.Fail(reason);
        _waiters.Clear();
    }

    /// <summary>Serves all that can be served now, each with a lease counted for it.</summary>
    /// <returns>Those whose adapter has to be loaded now, with the entry reserved for it.</returns>
    public IReadOnlyList<(AdapterCacheWaiter Waiter, ResidentAdapter Resident)> Admit()
    {
        var toLoad = new List<(AdapterCacheWaiter, ResidentAdapter)>();
        var isBlocked = false;
        for (var node = _waiters.First; node is not null;)
        {
            var (waiter, next) = (node.Value, node.Next);
            if (residents.Find(waiter.Version) is { } resident)
            {
                Hits++;
                resident.Name = waiter.Name;
                Grant(node, resident);
            }
            else if (limits.Refusal(waiter, residents.Pins) is { } refusal)
            {
                _waiters.Remove(node);
                waiter.Fail(refusal);
            }
            else if (!isBlocked && residents.TryMakeRoom(waiter.Bytes))
            {
                Misses++;
                var reserved = residents.Reserve(waiter.Version, waiter.Name, waiter.Bytes);
                toLoad.Add((waiter, reserved));
                Grant(node, reserved);
            }
            else
            {
                isBlocked = true;
            }

            node = next;
        }

        return toLoad;
    }

    private void Grant(LinkedListNode<AdapterCacheWaiter> node, ResidentAdapter resident)
    {
        _waiters.Remove(node);
        residents.Hold(resident);
        node.Value.Grant(resident);
    }
}
