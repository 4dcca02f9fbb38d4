using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// Spreads work over threads: those of <see cref="OpenMp"/> where it is there. They wait for more work in a loop for some milliseconds after
/// libtorch's own operations, so that threads beside them would find no free processor.
/// </summary>
internal static unsafe class ThreadTeam
{
    /// <summary>Does all shares, each once, on any thread.</summary>
    /// <param name="threads">Most threads to use.</param>
    /// <param name="shares">How many there are.</param>
    /// <param name="work">Does the share of a number.</param>
    public static void Run(int threads, long shares, Action<long> work)
    {
        threads = (int)Math.Min(threads, shares);
        if (threads <= 1)
        {
            for (var share = 0L; share < shares; share++) work(share);
            return;
        }

        var team = new Team(shares, work);
        if (OpenMp.Parallel is null)
        {
            Parallel.For(0, threads, _ => team.Take());
        }
        else
        {
            var handle = GCHandle.Alloc(team);
            OpenMp.Parallel(&Join, GCHandle.ToIntPtr(handle), (uint)threads, 0);
            handle.Free();
        }

        team.Error?.Throw();
    }

    [UnmanagedCallersOnly]
    private static void Join(nint handle) => ((Team)GCHandle.FromIntPtr(handle).Target!).Take();

    private sealed class Team(long shares, Action<long> work)
    {
        private long _next;

        /// <summary>What went wrong first.</summary>
        public ExceptionDispatchInfo? Error { get; private set; }

        /// <summary>Takes one share after the other until none is left. An exception must not get into the caller, which is not managed.</summary>
        public void Take()
        {
            try
            {
                for (var share = Interlocked.Increment(ref _next); share <= shares; share = Interlocked.Increment(ref _next)) work(share - 1);
            }
            catch (Exception e)
            {
                Error ??= ExceptionDispatchInfo.Capture(e);
            }
        }
    }
}
