namespace LoraServe.Engine.Sampling;

/// <summary>
/// Stateless random numbers: a number depends only on a sequence's seed and the position in its output,
/// so that a sequence draws the same numbers in any batch.
/// </summary>
/// <remarks>
/// SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators") as a counter-based generator.
/// </remarks>
internal static class TokenRandom
{
    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    public static double NextDouble(long seed, int position) =>
        (Mix(Mix((ulong)seed) + ((ulong)position * SplitMix64.Gamma)) >> 11) * (1.0 / (1UL << 53));

    /// <summary>The output of SplitMix64 in the given state.</summary>
    // The seed is mixed first: otherwise seeds that differ by a multiple of the step would give the same stream, shifted.
    internal static ulong Mix(ulong state) => SplitMix64.Mix(state + SplitMix64.Gamma);
}
