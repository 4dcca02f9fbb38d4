namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// Random numbers that are a function of a seed, a stream and an index (SplitMix64, Steele et al. 2014): the same
/// numbers can be computed again, in any order and on any machine.
/// </summary>
/// <param name="seed">Of the training or of a step.</param>
/// <param name="stream">Their purpose, such as the number of a module.</param>
internal readonly struct CounterRandom(long seed, long stream)
{
    private readonly ulong _key = SplitMix64.Mix(SplitMix64.Mix((ulong)seed) + ((ulong)stream * SplitMix64.Gamma));

    /// <summary>64 random bits.</summary>
    public ulong Bits(long index) => SplitMix64.Mix(_key + ((ulong)index * SplitMix64.Gamma));

    /// <summary>From 0 to below 1.</summary>
    public double Uniform(long index) => (Bits(index) >> 11) * (1.0 / (1L << 53));
}
