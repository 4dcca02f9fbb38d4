namespace LoraServe.Engine;

/// <summary>SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"), stateless.</summary>
internal static class SplitMix64
{
    /// <summary>The increment of the state: odd and far from 1, so that adjacent states are far apart.</summary>
    public const ulong Gamma = 0x9E3779B97F4A7C15;

    /// <summary>The finalizer: the output for a state.</summary>
    public static ulong Mix(ulong state)
    {
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
        return state ^ (state >> 31);
    }
}
