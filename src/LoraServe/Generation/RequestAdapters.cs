using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;

namespace LoraServe.Generation;

/// <summary>Brings the adapters of requests into memory, and encodes the prompts meanwhile.</summary>
internal sealed class RequestAdapters(LlmEngine engine) : IDisposable
{
    // A request with several adapters holds some while it waits for others: two such requests could wait for each other.
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Leases all adapters of a request and encodes its prompts; nothing runs before all of them are there.</summary>
    /// <param name="columns">At least one.</param>
    /// <param name="cancellationToken">Ends the wait when the client disconnects.</param>
    /// <exception cref="UnknownAdapterException">An adapter does not exist.</exception>
    /// <exception cref="InvalidRequestException">The adapters do not fit into memory together.</exception>
    public async Task<IReadOnlyList<PreparedColumn>> PrepareAsync(IReadOnlyList<RequestColumn> columns, CancellationToken cancellationToken)
    {
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var acquiring = await BeginAsync([.. columns.Select(column => column.Adapter)], abandoned.Token);
        try
        {
            var prompts = new List<IReadOnlyList<GenerationPrompt>>();
            for (var i = 0; i < columns.Count; i++) prompts.Add(await columns[i].Prompts.EncodeAsync(acquiring[i], cancellationToken));
            return [.. (await Task.WhenAll(acquiring)).Zip(prompts, (lease, encoded) => new PreparedColumn(lease, encoded))];
        }
        catch
        {
            await abandoned.CancelAsync();
            foreach (var task in acquiring) _ = ReleaseAsync(task);
            throw;
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<IReadOnlyList<Task<AdapterLease>>> BeginAsync(IReadOnlyList<AdapterReference?> references, CancellationToken cancellationToken)
    {
        var several = references.OfType<AdapterReference>().ToList();
        if (several.Count < 2) return Begin(references, cancellationToken);
        if (engine.Adapters.WhyNeverTogether(several) is { } reason) throw new InvalidRequestException("adapters", reason);
        await _turn.WaitAsync(cancellationToken);
        var acquiring = Begin(references, cancellationToken);
        _ = EndTurnAsync(acquiring);
        return acquiring;
    }

    private IReadOnlyList<Task<AdapterLease>> Begin(IReadOnlyList<AdapterReference?> references, CancellationToken cancellationToken) =>
    [
        .. references.Select(reference => reference is null
            ? Task.FromResult(AdapterLease.Base())
            : engine.Adapters.AcquireAsync(reference, cancellationToken).AsTask()),
    ];

    private async Task EndTurnAsync(IReadOnlyList<Task<AdapterLease>> acquiring)
    {
        await ((Task)Task.WhenAll(acquiring)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _turn.Release();
    }

    private static async Task ReleaseAsync(Task<AdapterLease> acquiring)
    {
        await ((Task)acquiring).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (acquiring.IsCompletedSuccessfully) acquiring.Result.Dispose();
    }
}
