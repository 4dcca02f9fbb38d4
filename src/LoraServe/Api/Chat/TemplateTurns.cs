using System.Collections.Concurrent;

namespace LoraServe.Api.Chat;

/// <summary>
/// Limits CPU time for templates from requests and adapters: a total number at once, and at most half of them per owner, so that other owners'
/// templates never wait behind one owner's queue. Each is bounded in time and memory.
/// </summary>
/// <param name="most">At once, in all.</param>
internal sealed class TemplateTurns(int most) : IDisposable
{
    private readonly SemaphoreSlim _all = new(most);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _owners = new(StringComparer.Ordinal);

    /// <summary>Runs work in turn.</summary>
    /// <param name="owner">The owner of the work; there is one per key.</param>
    /// <param name="work">What is done.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public async Task<T> RunAsync<T>(string owner, Func<T> work, CancellationToken cancellationToken)
    {
        var own = _owners.GetOrAdd(owner, static (_, most) => new SemaphoreSlim(Math.Max(1, most / 2)), most);
        await own.WaitAsync(cancellationToken);
        try
        {
            await _all.WaitAsync(cancellationToken);
            try
            {
                return work();
            }
            finally
            {
                _all.Release();
            }
        }
        finally
        {
            own.Release();
        }
    }

    public void Dispose()
    {
        _all.Dispose();
        foreach (var own in _owners.Values) own.Dispose();
    }
}
