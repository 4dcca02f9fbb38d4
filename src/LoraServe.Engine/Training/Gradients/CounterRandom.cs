namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// Random numbers that are a function of a seed, a stream and an index (SplitMix64, Steele et al. 2014): whoever needs the same numbers
/// again asks again, in any order, and on every machine gets the same.
/// </summary>
/// <param name="seed">Of the training or of a step.</param>
/// <param name="stream">What they are for, such as the number of a module.</param>
internal readonly struct CounterRandom(long seed, long stream)
{
    private const ulong Increment = 0x9E3779B97F4A7C15;

    private readonly ulong _key = Mix(Mix((ulong)seed) + ((ulong)stream * Increment));

    /// <summary>64 random bits.</summary>
    public ulong Bits(long index) => Mix(_key + ((ulong)index * Increment));

    /// <summary>From 0 to below 1.</summary>
    public double Uniform(long index) => (Bits(index) >> 11) * (1.0 / (1L << 53));

    /// <summary>Normally distributed with mean 0 and variance 1 (Box and Muller 1958).</summary>
    public double Normal(long index)
    {
        var radius = Math.Sqrt(-2 * Math.Log(1 - Uniform(2 * index)));
        return radius * Math.Cos(2 * Math.PI * Uniform((2 * index) + 1));
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
