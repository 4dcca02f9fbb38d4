namespace LoraServe.Engine;

/// <summary>SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators") without a state.</summary>
internal static class SplitMix64
{
    /// <summary>What the state grows by: odd and far from 1, so that neighbours start far apart.</summary>
    public const ulong Gamma = 0x9E3779B97F4A7C15;

    /// <summary>The finaliser: what is drawn in a state.</summary>
    public static ulong Mix(ulong state)
    {
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
        return state ^ (state >> 31);
    }
}
