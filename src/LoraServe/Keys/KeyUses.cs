using System.Collections.Concurrent;
using LoraServe.Keys.Storage;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Keys;

/// <summary>When keys were used last, written to the disk every few seconds. Safe for concurrent use.</summary>
internal sealed partial class KeyUses : IDisposable
{
    private const int UsesPerWrite = 200;
    private static readonly TimeSpan WritePeriod = TimeSpan.FromSeconds(5);

    private readonly KeyDatabase _database;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private readonly ConcurrentDictionary<string, DateTimeOffset> _uses = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _written = new(StringComparer.Ordinal);

    public KeyUses(KeyDatabase database, TimeProvider time, ILogger log)
    {
        (_database, _time, _log) = (database, time, log);
        _timer = time.CreateTimer(_ => Write(), state: null, WritePeriod, WritePeriod);
    }

    /// <summary>Records that a key is used now.</summary>
    public void Note(string id) => _uses[id] = _time.GetUtcNow();

    /// <summary>The key with its last use, even if that is not on disk yet.</summary>
    public ApiKey WithLast(ApiKey key) => _uses.TryGetValue(key.Id, out var time) ? key with { LastUse = time } : key;

    /// <summary>Writes pending changes.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        Write();
    }

    private void Write()
    {
        try
        {
            lock (_written)
            {
                var news = _uses.Where(use => !_written.TryGetValue(use.Key, out var time) || time != use.Value);
                foreach (var chunk in news.Chunk(UsesPerWrite)) Write(chunk);
            }
        }
        // An exception in a timer would end the process.
        catch (Exception e)
        {
            LogNotWritten(e.Message);
        }
    }

    private void Write(KeyValuePair<string, DateTimeOffset>[] uses)
    {
        _database.Write(context =>
        {
            foreach (var (id, time) in uses)
                context.Keys.Where(row => row.Id == id).ExecuteUpdate(row => row.SetProperty(key => key.LastUse, time));
            return true;
        });
        foreach (var (id, time) in uses) _written[id] = time;
    }

    [LoggerMessage(LogLevel.Warning, "The times of last use of keys are not stored: {Reason}")]
    private partial void LogNotWritten(string reason);
}
