using System.Collections.Concurrent;
using System.Threading.Channels;

namespace LoraServe.Jobs;

/// <summary>Which jobs are worked on at this moment, and who waits for one. Safe for concurrent use.</summary>
internal sealed class JobActivity
{
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _working = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<ChannelWriter<bool>> _sleepers = [];

    /// <summary>Whether a job is being worked on, be it to end it.</summary>
    public bool IsWorkedOn(string id) => _working.ContainsKey(id);

    /// <summary>Work on a job begins.</summary>
    /// <param name="id">The job.</param>
    /// <param name="cancellation">Interrupts the work.</param>
    public void Begin(string id, CancellationTokenSource cancellation) => _working[id] = cancellation;

    /// <summary>The work has ended; the next loop may work on the job already.</summary>
    public void End(string id, CancellationTokenSource cancellation) => _working.TryRemove(KeyValuePair.Create(id, cancellation));

    /// <summary>Interrupts the work on a job, if there is some.</summary>
    public void Interrupt(string id)
    {
        try
        {
            if (_working.TryGetValue(id, out var work)) work.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended in this moment.
        }
    }

    /// <summary>What a loop reads from when it finds no job.</summary>
    public ChannelReader<bool> AddSleeper()
    {
        var wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        _sleepers.Add(wakes.Writer);
        return wakes.Reader;
    }

    /// <summary>There may be a job for whoever waits.</summary>
    public void Wake()
    {
        foreach (var sleeper in _sleepers) sleeper.TryWrite(true);
    }
}
