using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>
/// How many requests use each name now, and when each was last used. The times are written to the disk every few seconds, so that a kill loses
/// those of the last seconds. Safe for concurrent use.
/// </summary>
internal sealed partial class AdapterUses : IDisposable
{
    private static readonly TimeSpan WritePeriod = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, int> _leases = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _lastUses = new(StringComparer.Ordinal);
    private readonly AdapterRegistry _registry;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _writing = new();
    private ConcurrentDictionary<string, DateTimeOffset> _unwritten = new(StringComparer.Ordinal);

    /// <param name="registry">Stores the times.</param>
    /// <param name="time">Dates uses.</param>
    /// <param name="logger">Told what cannot be stored.</param>
    public AdapterUses(AdapterRegistry registry, TimeProvider time, ILogger logger)
    {
        (_registry, _time, _logger) = (registry, time, logger);
        _timer = time.CreateTimer(_ => Write(), state: null, WritePeriod, WritePeriod);
    }

    /// <summary>Whether a request uses the name, or waits for it.</summary>
    public bool IsInUse(string name) => _leases.GetValueOrDefault(name) > 0;

    /// <summary>When it was last used since the start; null if it was not.</summary>
    public DateTimeOffset? LastUse(string name) => _lastUses.TryGetValue(name, out var time) ? time : null;

    /// <summary>A request for these names begins.</summary>
    public void Begin(IEnumerable<string> names)
    {
        var now = _time.GetUtcNow();
        foreach (var name in names)
        {
            _leases.AddOrUpdate(name, 1, static (_, count) => count + 1);
            _lastUses[name] = now;
            Volatile.Read(ref _unwritten)[name] = now;
        }
    }

    /// <summary>The request has ended.</summary>
    public void End(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            var left = _leases.AddOrUpdate(name, 0, static (_, count) => count - 1);
            if (left == 0) _leases.TryRemove(new KeyValuePair<string, int>(name, 0));
        }
    }

    /// <summary>Forgets when a removed name was last used. Requests that use it now still end.</summary>
    public void Forget(string name)
    {
        _lastUses.TryRemove(name, out _);
        Volatile.Read(ref _unwritten).TryRemove(name, out _);
    }

    /// <summary>Writes what is not written yet.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        Write();
    }

    private void Write()
    {
        lock (_writing)
        {
            var uses = Interlocked.Exchange(ref _unwritten, new(StringComparer.Ordinal));
            if (uses.IsEmpty) return;
            try
            {
                _registry.SaveUses(uses);
            }
            catch (IOException e)
            {
                LogNotStored(_logger, e.Message);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The times of last use are not stored: {Reason}")]
    private static partial void LogNotStored(ILogger logger, string reason);
}
