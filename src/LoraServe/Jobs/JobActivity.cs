using System.Collections.Concurrent;
using System.Threading.Channels;

namespace LoraServe.Jobs;

/// <summary>Which jobs are running at the moment, and who waits for one. Safe for concurrent use.</summary>
internal sealed class JobActivity
{
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _working = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<ChannelWriter<bool>> _sleepers = [];

    /// <summary>Whether a job is being worked on, also when it is being ended.</summary>
    public bool IsWorkedOn(string id) => _working.ContainsKey(id);

    /// <summary>Work on a job begins.</summary>
    /// <param name="id">The job.</param>
    /// <param name="cancellation">Interrupts the work.</param>
    public void Begin(string id, CancellationTokenSource cancellation) => _working[id] = cancellation;

    /// <summary>The work has ended; the next loop may already work on the job.</summary>
    public void End(string id, CancellationTokenSource cancellation) => _working.TryRemove(KeyValuePair.Create(id, cancellation));

    /// <summary>Interrupts the work on a job, if any.</summary>
    public void Interrupt(string id)
    {
        try
        {
            if (_working.TryGetValue(id, out var work)) work.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just ended.
        }
    }

    /// <summary>The channel that a loop waits on when it finds no job.</summary>
    public ChannelReader<bool> AddSleeper()
    {
        var wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        _sleepers.Add(wakes.Writer);
        return wakes.Reader;
    }

    /// <summary>Wakes a waiting loop: there may be a job.</summary>
    public void Wake()
    {
        foreach (var sleeper in _sleepers) sleeper.TryWrite(true);
    }
}
