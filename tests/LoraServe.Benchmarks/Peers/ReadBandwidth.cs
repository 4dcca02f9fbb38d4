using System.Diagnostics;
using System.Numerics;
using LoraServe.Engine.Kernels;

namespace LoraServe.Benchmarks.Peers;

/// <summary>How fast this machine reads memory from end to end, far beyond its caches.</summary>
internal static unsafe class ReadBandwidth
{
    private const long Bytes = 1L << 29;
    private const int Rounds = 7;

    /// <summary>The best of some rounds in bytes a second.</summary>
    public static double Measure(int threads)
    {
        using var memory = new AlignedMemory(Bytes);
        new Span<byte>(memory.Address, (int)Bytes).Fill(1);
        var best = double.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread => Read(memory.Address + (Bytes / threads * thread), Bytes / threads));
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return Bytes / best;
    }

    private static void Read(byte* start, long length)
    {
        var vectors = new ReadOnlySpan<Vector<byte>>(start, (int)(length / Vector<byte>.Count));
        Vector<byte> a = default, b = default, c = default, d = default;
        for (var i = 0; i + 4 <= vectors.Length; i += 4)
        {
            a ^= vectors[i];
            b ^= vectors[i + 1];
            c ^= vectors[i + 2];
            d ^= vectors[i + 3];
        }

        // What nobody used might never be read.
        if ((a ^ b ^ c ^ d) == new Vector<byte>(byte.MaxValue)) Console.Error.WriteLine();
    }
}
