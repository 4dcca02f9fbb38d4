using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Merging;

namespace LoraServe.Engine.Generation;

/// <summary>Merging by hand, from any thread.</summary>
/// <param name="loop">Its thread owns the merged weights.</param>
/// <param name="merging">Merges.</param>
internal sealed class PinnedMerges(EngineLoop loop, MergeService merging)
{
    /// <inheritdoc cref="LlmEngine.MergeAsync"/>
    public async Task MergeAsync(AdapterLease lease, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.InvokeAsync(() => merging.Pin(lease, done));
        await using var registration = cancellationToken.Register(() =>
        {
            done.TrySetCanceled(cancellationToken);
            _ = loop.InvokeAsync(() => merging.Cancel(done));
        });
        await done.Task;
    }

    /// <inheritdoc cref="LlmEngine.UnmergeAsync"/>
    public Task<bool> UnmergeAsync(AdapterVersionId version) => loop.InvokeAsync(() => merging.Unmerge(version));
}
