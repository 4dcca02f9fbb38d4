using System.Collections.Concurrent;

namespace LoraServe.Api.Chat;

/// <summary>
/// How much of the machine templates of strangers take: so many at once in all, and of one owner no more than half of them, so that those
/// of the others never wait behind a long line of its own. Each is bounded in time and memory.
/// </summary>
/// <param name="most">At once, in all.</param>
internal sealed class TemplateTurns(int most) : IDisposable
{
    private readonly SemaphoreSlim _all = new(most);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _owners = new(StringComparer.Ordinal);

    /// <summary>Works in turn.</summary>
    /// <param name="owner">Whose work it is; owners are as many as keys.</param>
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
