using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Merging;

namespace LoraServe.Engine.Generation;

/// <content>Merging by hand, and why the engine merges or does not.</content>
public sealed partial class LlmEngine
{
    /// <summary>Merged weights, by adapter version.</summary>
    public IReadOnlyList<MergedSlotInfo> MergedSlots => _merging.Status.Slots;

    /// <summary>Memory of merged weights in bytes.</summary>
    public long MergedBytesUsed => _merging.Status.Bytes;

    /// <summary>Most memory that merged weights may take in bytes.</summary>
    public long MergedBytesBudget => _merging.Status.Budget;

    /// <summary>Merges an adapter version, which then stays merged until <see cref="UnmergeAsync"/>.</summary>
    /// <param name="lease">Not taken.</param>
    /// <param name="cancellationToken">Stops waiting, and the merge unless somebody else wants it.</param>
    /// <exception cref="MergedSlotsFullException">There can be no room for it.</exception>
    public async Task MergeAsync(AdapterLease lease, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _loop.InvokeAsync(() => _merging.Pin(lease, done));
        await using var registration = cancellationToken.Register(() =>
        {
            done.TrySetCanceled(cancellationToken);
            _ = _loop.InvokeAsync(() => _merging.Cancel(done));
        });
        await done.Task;
    }

    /// <summary>
    /// Lets go of the merged weights of a version, once no running sequence of mode merged needs them; false where it is not merged. Later
    /// demand may merge it again.
    /// </summary>
    public Task<bool> UnmergeAsync(string version) => _loop.InvokeAsync(() => _merging.Unmerge(version));

    /// <summary>Why a version is merged or not.</summary>
    public MergeDecision ExplainMerge(string version) =>
        _merging.Status.Decisions.GetValueOrDefault(version) ?? new MergeDecision { Version = version, IsMerged = false, IsPinned = false };
}
