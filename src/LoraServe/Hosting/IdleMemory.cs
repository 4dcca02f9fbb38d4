using LoraServe.Engine;

namespace LoraServe.Hosting;

/// <summary>
/// Returns memory to the system when the server is idle: without allocations the collector has no reason to run, and would keep the memory
/// of the last requests, however large.
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
            // The server is stopping.
        }
    }

    private static void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        NativeHeap.Trim();
    }
}

/// <summary>Decides from the allocations per period when to return memory.</summary>
internal sealed class Idleness
{
    // Probes and metrics allocate less than this in a period, any text request more.
    private const long MostQuiet = 4 << 20;

    // Less than this is not worth stopping every thread.
    private const long LeastWorth = 64 << 20;

    // The shared array pools release one array per size in a collection that finds it unused for more than a minute, and the next a quarter
    // of a minute later.
    private const int FirstOfPools = 8;
    private const int LastOfPools = 30;
    private const int BetweenPools = 2;

    private long _last;
    private long _given;
    private int _quietSince = LastOfPools;

    /// <summary>Whether to return memory now; call once a period.</summary>
    /// <param name="allocated">Bytes allocated since the start.</param>
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
