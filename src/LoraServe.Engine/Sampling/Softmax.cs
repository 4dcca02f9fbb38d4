using System.Numerics;

namespace LoraServe.Engine.Sampling;

/// <summary>The steps of a softmax over one row of the vocabulary, several tokens at a time.</summary>
internal static class Softmax
{
    /// <summary>The largest logit; -infinity if all are.</summary>
    /// <exception cref="NotFiniteNumberException">A logit is NaN or +infinity.</exception>
    public static float Max(ReadOnlySpan<float> logits)
    {
        var maxima = new Vector<float>(float.NegativeInfinity);
        var i = 0;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
            maxima = Vector.Max(maxima, new Vector<float>(logits[i..]));

        var max = float.NegativeInfinity;
        for (var lane = 0; lane < Vector<float>.Count; lane++)
            max = MathF.Max(max, maxima[lane]);
        for (; i < logits.Length; i++)
            max = MathF.Max(max, logits[i]);
        if (float.IsNaN(max) || float.IsPositiveInfinity(max))
        {
            throw new NotFiniteNumberException(
                $"The logits of the next token contain {max}: the weights of the model or of the adapter overflow in this dtype.", max);
        }

        return max;
    }

    /// <summary>
    /// Replaces each score by its distance below <paramref name="max"/> and sets its unnormalized probability to exp(-distance / temperature).
    /// </summary>
    /// <remarks>
    /// The distance is taken before the division: 0 / temperature is 0 for the smallest temperature, so that the best weight is always 1.
    /// </remarks>
    public static void Weigh(Span<float> scores, float max, float temperature, Span<float> weights)
    {
        var best = new Vector<float>(max);
        var divisor = new Vector<float>(temperature);
        var i = 0;
        for (; i <= scores.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var distance = best - new Vector<float>(scores[i..]);
            distance.CopyTo(scores[i..]);
            Vector.Exp(-distance / divisor).CopyTo(weights[i..]);
        }

        for (; i < scores.Length; i++)
        {
            scores[i] = max - scores[i];
            weights[i] = MathF.Exp(-scores[i] / temperature);
        }
    }

    /// <summary>The sum in double precision.</summary>
    public static double Sum(ReadOnlySpan<float> weights)
    {
        var sums = Vector<double>.Zero;
        var i = 0;
        for (; i <= weights.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(weights[i..]), out var low, out var high);
            sums += low + high;
        }

        var sum = Vector.Sum(sums);
        for (; i < weights.Length; i++)
            sum += weights[i];
        return sum;
    }

    /// <summary>The logarithm of the sum of exp(logit), where <paramref name="max"/> is the largest one.</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits, float max)
    {
        var best = new Vector<float>(max);
        var sums = Vector<double>.Zero;
        var i = 0;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(Vector.Exp(new Vector<float>(logits[i..]) - best), out var low, out var high);
            sums += low + high;
        }

        var sum = Vector.Sum(sums);
        for (; i < logits.Length; i++)
            sum += MathF.Exp(logits[i] - max);
        return max + Math.Log(sum);
    }
}
