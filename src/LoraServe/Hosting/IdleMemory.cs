using LoraServe.Engine;

namespace LoraServe.Hosting;

/// <summary>
/// Gives memory back to the system once nothing happens: the collector has no reason to run while nobody allocates, and would keep what the
/// last requests took, however large they were.
/// </summary>
internal sealed class IdleMemory(TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly Idleness _idleness = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                if (_idleness.IsDue(GC.GetTotalAllocatedBytes())) GiveBack();
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private static void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        NativeHeap.Trim();
    }
}

/// <summary>Tells from what was allocated in periods of equal length when memory is to be given back.</summary>
internal sealed class Idleness
{
    // Probes and metrics allocate less in a period, and any request for text more.
    private const long MostQuiet = 4 << 20;

    // For less than this it is not worth to stop every thread.
    private const long LeastWorth = 64 << 20;

    // The shared pools let go of one array of a kind in a collection that finds them unused for more than a minute, and of the next one a
    // quarter of a minute later.
    private const int FirstOfPools = 8;
    private const int LastOfPools = 30;
    private const int BetweenPools = 2;

    private long _last;
    private long _given;
    private int _quietSince = LastOfPools;

    /// <summary>Whether memory is to be given back now; to be asked once a period.</summary>
    /// <param name="allocated">Bytes that were allocated since the start.</param>
    public bool IsDue(long allocated)
    {
        var isQuiet = allocated - _last < MostQuiet;
        _last = allocated;
        if (!isQuiet) return false;
        if (allocated - _given > LeastWorth)
        {
            (_given, _quietSince) = (allocated, 0);
            return true;
        }

        return ++_quietSince is >= FirstOfPools and <= LastOfPools && _quietSince % BetweenPools == 0;
    }
}
