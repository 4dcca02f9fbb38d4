using LoraServe.Engine.Adapters.Residency;

namespace LoraServe.Engine.Merging;

/// <summary>A merge that is asked for, and who waits for it.</summary>
/// <param name="name">The name under which it was first asked for.</param>
/// <param name="plain">Keeps the adapter in memory; given to the slot.</param>
/// <param name="bytes">What the slot takes.</param>
internal sealed class MergeJob(string name, AdapterLease plain, long bytes)
{
    private readonly List<Waiter> _waiters = [];

    /// <summary>The name under which it was first asked for.</summary>
    public string Name { get; } = name;

    public AdapterLease Plain { get; } = plain;

    public string Version => Plain.Version;

    public long Bytes { get; } = bytes;

    /// <summary>Whether the controller started it for its saving; then nobody needs to wait for it.</summary>
    public bool IsAutomatic { get; init; }

    /// <summary>Whether it is to go on.</summary>
    public bool IsWanted => IsAutomatic || WaiterCount > 0;

    /// <summary>How many wait for it.</summary>
    public int WaiterCount => _waiters.Count;

    /// <summary>Calls one of two functions when the merge is done or cannot be.</summary>
    public void Add(object waiter, Action<MergedSlot> done, Action<Exception> failed) => _waiters.Add(new Waiter(waiter, done, failed));

    /// <summary>Forgets one who waits, and tells it by an <see cref="OperationCanceledException"/>; false where it does not wait.</summary>
    public bool Cancel(object waiter)
    {
        if (_waiters.Find(waiting => waiting.Key.Equals(waiter)) is not { } left) return false;
        _waiters.Remove(left);
        left.Failed(new OperationCanceledException());
        return true;
    }

    /// <summary>Tells all who wait.</summary>
    public void Complete(MergedSlot slot)
    {
        foreach (var waiter in _waiters) waiter.Done(slot);
    }

    /// <summary>Tells all who wait.</summary>
    public void Fail(Exception error)
    {
        foreach (var waiter in _waiters) waiter.Failed(error);
    }

    private sealed record Waiter(object Key, Action<MergedSlot> Done, Action<Exception> Failed);
}
