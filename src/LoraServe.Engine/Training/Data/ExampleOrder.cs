namespace LoraServe.Engine.Training.Data;

/// <summary>The order of the examples in an epoch, a function of the seed and the epoch alone.</summary>
internal static class ExampleOrder
{
    /// <summary>A shuffle (Fisher and Yates) of 0 to <paramref name="count"/> - 1.</summary>
    /// <param name="count">Number of examples.</param>
    /// <param name="seed">Of the training.</param>
    /// <param name="epoch">From 0; -1 is for a shuffle that belongs to no epoch.</param>
    public static int[] Shuffled(int count, long seed, int epoch)
    {
        var order = new int[count];
        var state = SplitMix64.Mix((ulong)seed) + ((ulong)epoch * SplitMix64.Gamma);
        state = SplitMix64.Mix(state);
        for (var i = 0; i < count; i++)
        {
            state += SplitMix64.Gamma;
            var other = (int)Math.BigMul(SplitMix64.Mix(state), (ulong)i + 1, out _);
            order[i] = order[other];
            order[other] = i;
        }

        return order;
    }
}
