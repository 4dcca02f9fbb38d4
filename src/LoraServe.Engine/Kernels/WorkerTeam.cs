using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// A fixed team of threads, one a core, that all run the same work and meet at barriers: a decode step is hundreds of short parts, and handing
/// each to other threads would take longer than computing it. Members wait spinning, because what they wait for takes microseconds; when there
/// is no work they sleep. When another process takes the core of one of them, all others would wait for it at every barrier: the team then
/// goes on with fewer members for a while.
/// </summary>
internal sealed class WorkerTeam : IDisposable
{
    private const int MostMembers = 256;

    // In pauses of a processor, some 20 to 40 ns each. Longer than any wait where every member has a core of its own.
    private const int SpinsInStep = 2_000;

    // Longer than the engine needs between two steps: a sleeping thread takes 50 us to wake.
    private const int SpinsBetweenSteps = 40_000;

    // Where every member has a core of its own, none waits longer than it spins. Less than a slice of the system's scheduler means nothing, and so
    // does a small share of a long step.
    private static readonly TimeSpan LeastWait = TimeSpan.FromMilliseconds(2);
    private const double LeastWaitShare = 0.2;

    // How much shorter the next rest is after each step without a wait: one that goes well may have been lucky.
    private const double Forgetting = 0.95;

    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(2);

    private readonly Thread[] _threads;
    private readonly ManualResetEventSlim[] _wakes;
    private readonly int[] _asleep;
    private readonly TeamBarrier _barrier = new();
    private ITeamWork _work = null!;
    private ExceptionDispatchInfo? _error;
    private TimeSpan _rest = ShortestRest;
    private long _restUntil;

    // Number of the step * 256 + members that take part, in one: a member must not see the one without the other.
    private long _step;
    private bool _isDisposed;

    /// <summary>Starts the threads beside the calling one.</summary>
    /// <param name="size">Members with the caller, at least 1.</param>
    public WorkerTeam(int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(size, MostMembers);
        Size = size;
        _wakes = [.. Enumerable.Range(0, size).Select(_ => new ManualResetEventSlim(initialState: false, spinCount: 0))];
        _asleep = new int[size];
        _threads = [.. Enumerable.Range(1, size - 1).Select(Start)];
    }

    /// <summary>Members, the caller of <see cref="Run"/> included.</summary>
    public int Size { get; }

    /// <summary>Runs the work on the calling thread and the others, and returns when all have ended.</summary>
    public void Run(ITeamWork work)
    {
        var active = Stopwatch.GetTimestamp() < _restUntil ? Math.Max(1, Size - 1) : Size;
        var (collections, start) = (GC.CollectionCount(0), Stopwatch.GetTimestamp());
        (_work, _error) = (work, null);
        _barrier.Reset(active);
        Volatile.Write(ref _step, (((_step / MostMembers) + 1) * MostMembers) + active);
        for (var member = 1; member < active; member++)
            if (Interlocked.Exchange(ref _asleep[member], 0) == 1) _wakes[member].Set();
        RunMember(0);
        _barrier.WaitForAll();
        Rest(active, collections, Stopwatch.GetElapsedTime(start));
        _error?.Throw();
    }

    /// <summary>Waits until every member has come here; to be called by each of them, from within the work.</summary>
    public void Meet() => _barrier.Meet(SpinsInStep);

    /// <summary>Ends the threads; no work may be running.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;
        Volatile.Write(ref _isDisposed, true);
        foreach (var wake in _wakes) wake.Set();
        foreach (var thread in _threads) thread.Join();
        foreach (var wake in _wakes) wake.Dispose();
    }

    private Thread Start(int member)
    {
        var thread = new Thread(() => Serve(member)) { Name = $"LoraServe worker {member}", IsBackground = true };
        thread.Start();
        return thread;
    }

    private void Serve(int member)
    {
        var seen = 0L;
        while (true)
        {
            WaitForStep(member, seen);
            if (Volatile.Read(ref _isDisposed)) return;
            seen = Volatile.Read(ref _step);
            if (member >= seen % MostMembers) continue;
            RunMember(member);
            _barrier.Leave();
        }
    }

    private void WaitForStep(int member, long seen)
    {
        for (var i = 0; i < SpinsBetweenSteps; i++)
        {
            if (Volatile.Read(ref _step) != seen) return;
            Thread.SpinWait(1);
        }

        _wakes[member].Reset();
        Interlocked.Exchange(ref _asleep[member], 1);
        while (Volatile.Read(ref _step) == seen && !Volatile.Read(ref _isDisposed)) _wakes[member].Wait();
        Interlocked.Exchange(ref _asleep[member], 0);
    }

    private void RunMember(int member)
    {
        try
        {
            _work.Run(member);
        }
        catch (Exception e)
        {
            // The first one counts: those of others may only say that they waited in vain.
            Interlocked.CompareExchange(ref _error, ExceptionDispatchInfo.Capture(e), null);
            _barrier.Break();
        }
    }

    // A collection of garbage stops all threads, which says nothing about the cores.
    private void Rest(int active, int collections, TimeSpan step)
    {
        if (active < Size || Size == 1) return;
        if (_barrier.Waited < LeastWait || _barrier.Waited < LeastWaitShare * (Size - 1) * step || GC.CollectionCount(0) != collections)
        {
            _rest = _rest * Forgetting > ShortestRest ? _rest * Forgetting : ShortestRest;
            return;
        }

        _restUntil = Stopwatch.GetTimestamp() + (long)(_rest.TotalSeconds * Stopwatch.Frequency);
        _rest = _rest * 2 < LongestRest ? _rest * 2 : LongestRest;
    }
}
