using System.Numerics;
using LoraServe.Engine.Sampling;

namespace LoraServe.Engine.Adapters.Effects;

/// <summary>How far one distribution of the next token is from another (Kullback and Leibler 1951).</summary>
internal static class KlDivergence
{
    /// <summary>KL(p || q) in nats, 0 or more, of the softmax of two rows of logits [vocabulary].</summary>
    /// <exception cref="NotFiniteNumberException">A row is not a distribution, or q is zero where p is not.</exception>
    public static double Of(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
    {
        var max = Softmax.Max(p);
        var normalisers = Softmax.LogSumExp(p, max) - Softmax.LogSumExp(q, Softmax.Max(q));
        var best = new Vector<float>(max);
        var masses = Vector<double>.Zero;
        var differences = Vector<double>.Zero;
        var i = 0;
        for (; i <= p.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var (logP, logQ) = (new Vector<float>(p[i..]), new Vector<float>(q[i..]));
            Vector.Widen(Vector.Exp(logP - best), out var low, out var high);
            Vector.Widen(logP - logQ, out var lowDifference, out var highDifference);
            masses += low + high;
            differences += (low * lowDifference) + (high * highDifference);
        }

        var (mass, difference) = (Vector.Sum(masses), Vector.Sum(differences));
        for (; i < p.Length; i++)
        {
            var own = MathF.Exp(p[i] - max);
            mass += own;
            difference += own * (double)(p[i] - q[i]);
        }

        var divergence = (difference / mass) - normalisers;
        if (double.IsFinite(divergence)) return Math.Max(divergence, 0);
        throw new NotFiniteNumberException("Distributions of the next token cannot be compared where a logit is -infinity.", divergence);
    }
}
