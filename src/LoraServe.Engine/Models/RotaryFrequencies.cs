using LoraServe.Engine.Checkpoints;

namespace LoraServe.Engine.Models;

/// <summary>The frequencies of rotary position embeddings, one for each pair of dimensions of a head, under each kind of scaling.</summary>
internal static class RotaryFrequencies
{
    /// <summary>Frequencies in radians per position, [headDim / 2].</summary>
    /// <param name="rotary">Type and parameters of the scaling.</param>
    /// <param name="headDim">Size of a head.</param>
    /// <param name="maxPositionEmbeddings">The context length that the model was trained for, in tokens.</param>
    /// <param name="maxModelLen">
    /// The server's maximum length. Dynamic scaling uses it as the length, for the life of the server: frequencies that changed with the
    /// length of a sequence would invalidate its cached keys.
    /// </param>
    public static double[] Compute(RotaryConfig rotary, int headDim, int maxPositionEmbeddings, int maxModelLen)
    {
        var plain = Plain(rotary.Theta, headDim);
        return rotary.Type switch
        {
            RotaryType.Linear => Array.ConvertAll(plain, frequency => frequency / rotary.Factor),
            RotaryType.Dynamic => Plain(DynamicTheta(rotary, headDim, maxPositionEmbeddings, maxModelLen), headDim),
            RotaryType.Llama3 => Array.ConvertAll(plain, frequency => Llama3(rotary, frequency)),
            RotaryType.Yarn => Yarn(rotary, headDim, plain),
            _ => plain,
        };
    }

    private static double[] Plain(double theta, int headDim) =>
        [.. Enumerable.Range(0, headDim / 2).Select(i => Math.Pow(theta, -2.0 * i / headDim))];

    private static double DynamicTheta(RotaryConfig rotary, int headDim, int maxPositionEmbeddings, int maxModelLen)
    {
        var length = Math.Max(maxModelLen, maxPositionEmbeddings);
        var stretch = (rotary.Factor * length / maxPositionEmbeddings) - (rotary.Factor - 1);
        return rotary.Theta * Math.Pow(stretch, headDim / (headDim - 2.0));
    }

    private static double Llama3(RotaryConfig rotary, double frequency)
    {
        var wavelength = 2 * Math.PI / frequency;
        var context = rotary.OriginalMaxPositionEmbeddings;
        if (wavelength < context / rotary.HighFrequencyFactor) return frequency;
        if (wavelength > context / rotary.LowFrequencyFactor) return frequency / rotary.Factor;
        var kept = ((context / wavelength) - rotary.LowFrequencyFactor) / (rotary.HighFrequencyFactor - rotary.LowFrequencyFactor);
        return ((1 - kept) * frequency / rotary.Factor) + (kept * frequency);
    }

    // YaRN (Peng et al. 2023), section 3.2.
    private static double[] Yarn(RotaryConfig rotary, int headDim, double[] plain)
    {
        var low = DimensionOf(rotary.BetaFast);
        var high = DimensionOf(rotary.BetaSlow);
        if (rotary.Truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        low = Math.Max(low, 0);
        high = Math.Min(high, headDim - 1);
        if (high == low) high += 0.001;

        return [.. plain.Select((frequency, i) =>
        {
            var scaled = Math.Clamp((i - low) / (high - low), 0, 1);
            return (frequency / rotary.Factor * scaled) + (frequency * (1 - scaled));
        })];

        double DimensionOf(double rotations) =>
            headDim * Math.Log(rotary.OriginalMaxPositionEmbeddings / (rotations * 2 * Math.PI)) / (2 * Math.Log(rotary.Theta));
    }
}
