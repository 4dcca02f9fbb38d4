using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// Spreads work over threads: those of <see cref="OpenMp"/> if it is available. After libtorch's own operations they spin for some
/// milliseconds waiting for more work, so that additional threads would find no free processor.
/// </summary>
internal static unsafe class ThreadTeam
{
    /// <summary>Runs all shares, each once, on any thread.</summary>
    /// <param name="threads">The largest number of threads to use.</param>
    /// <param name="shares">The number of shares.</param>
    /// <param name="work">Runs the share with an index.</param>
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

        /// <summary>The first exception, or null.</summary>
        public ExceptionDispatchInfo? Error { get; private set; }

        /// <summary>Runs shares until none is left. An exception must not reach the caller, which is native code.</summary>
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
