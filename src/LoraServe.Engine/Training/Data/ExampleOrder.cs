namespace LoraServe.Engine.Training.Data;

/// <summary>The order in which an epoch goes through the examples, decided by a seed and the epoch alone.</summary>
internal static class ExampleOrder
{
    // An odd constant far from 1 (Steele, Lea and Flood 2014): neighbouring seeds and epochs start far apart.
    private const ulong GoldenRatio = 0x9E3779B97F4A7C15;

    /// <summary>A shuffle (Fisher and Yates) of 0 to <paramref name="count"/> - 1.</summary>
    /// <param name="count">Number of examples.</param>
    /// <param name="seed">Of the training.</param>
    /// <param name="epoch">From 0; -1 is free for a shuffle that belongs to no epoch.</param>
    public static int[] Shuffled(int count, long seed, int epoch)
    {
        var order = new int[count];
        var state = Mix((ulong)seed) + ((ulong)epoch * GoldenRatio);
        state = Mix(state);
        for (var i = 0; i < count; i++)
        {
            state += GoldenRatio;
            var other = (int)Math.BigMul(Mix(state), (ulong)i + 1, out _);
            order[i] = order[other];
            order[other] = i;
        }

        return order;
    }

    // The finaliser of SplitMix64.
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
