using System.Diagnostics;
using System.Runtime.InteropServices;

namespace LoraServe.Engine.Kernels;

/// <summary>Where the members of a <see cref="WorkerTeam"/> wait for each other.</summary>
internal sealed class TeamBarrier
{
    private Counters _counters;
    private int _members = 1;
    private long _waited;

    /// <summary>The waits of all members since the last <see cref="Reset"/>, as far as they were longer than the spinning.</summary>
    public TimeSpan Waited => Stopwatch.GetElapsedTime(0, Volatile.Read(ref _waited));

    /// <summary>Prepares it for this many members, none of which may be within.</summary>
    public void Reset(int members)
    {
        _members = members;
        (_counters.Arrived, _counters.Left, _counters.IsBroken) = (0, 0, false);
        Volatile.Write(ref _waited, 0);
    }

    /// <summary>Waits until all members are here.</summary>
    /// <param name="spins">Pauses of the processor before the thread offers its core to others.</param>
    /// <exception cref="OperationCanceledException">Another member has failed and will not come.</exception>
    public void Meet(int spins)
    {
        if (_members == 1) return;
        var round = Volatile.Read(ref _counters.Round);
        if (Interlocked.Increment(ref _counters.Arrived) == _members)
        {
            _counters.Arrived = 0;
            Volatile.Write(ref _counters.Round, round + 1);
            return;
        }

        for (var i = 0; i < spins; i++)
        {
            if (Volatile.Read(ref _counters.Round) != round) return;
            Thread.SpinWait(1);
        }

        WaitLong(round);
    }

    /// <summary>Ends every wait: a member has failed.</summary>
    public void Break() => Volatile.Write(ref _counters.IsBroken, true);

    /// <summary>A member other than the first has ended its work.</summary>
    public void Leave() => Interlocked.Increment(ref _counters.Left);

    /// <summary>The first member waits until all others have left.</summary>
    public void WaitForAll()
    {
        var wait = default(SpinWait);
        while (Volatile.Read(ref _counters.Left) < _members - 1) wait.SpinOnce(sleep1Threshold: -1);
    }

    private void WaitLong(int round)
    {
        var start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref _counters.Round) == round)
        {
            if (Volatile.Read(ref _counters.IsBroken)) throw new OperationCanceledException("Another thread of the team has failed.");
            Thread.Yield();
        }

        Interlocked.Add(ref _waited, Stopwatch.GetTimestamp() - start);
    }

    // A cache line each: a member that spins on one would slow those that write the other.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Counters
    {
        [FieldOffset(64)]
        public int Arrived;

        [FieldOffset(128)]
        public int Round;

        [FieldOffset(192)]
        public int Left;

        [FieldOffset(196)]
        public bool IsBroken;
    }
}
