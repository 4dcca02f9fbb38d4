using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// One step of AdamW (Kingma and Ba 2015; Loshchilov and Hutter 2019) in float32, in the order of operations of PyTorch, in one pass over
/// memory: w = w (1 - lr decay); m += (1 - b1) (g - m); v = b2 v + (1 - b2) g g; w -= lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps).
/// </summary>
internal readonly unsafe struct AdamWUpdate
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const float Epsilon = 1e-8f;

    private readonly float _decay;
    private readonly float _stepSize;
    private readonly float _rootOfCorrection;
    private readonly float _gradientScale;

    /// <param name="learningRate">lr.</param>
    /// <param name="weightDecay">decay.</param>
    /// <param name="step">t, from 1.</param>
    /// <param name="gradientScale">Multiplies g first.</param>
    public AdamWUpdate(double learningRate, double weightDecay, int step, double gradientScale)
    {
        _decay = (float)(1 - (learningRate * weightDecay));
        _stepSize = (float)(-learningRate / (1 - Math.Pow(Beta1, step)));
        _rootOfCorrection = (float)Math.Sqrt(1 - Math.Pow(Beta2, step));
        _gradientScale = (float)gradientScale;
    }

    /// <summary>Updates a parameter and its moments, all of one length; leaves 0 in the gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(Span<float> values, Span<float> gradients, Span<float> firsts, Span<float> seconds)
    {
        if (gradients.Length != values.Length || firsts.Length != values.Length || seconds.Length != values.Length)
        {
            throw new ArgumentException(
                $"expected {values.Length} gradients and moments, found {gradients.Length}, {firsts.Length} and {seconds.Length}", nameof(gradients));
        }

        fixed (float* w = values, g = gradients, m = firsts, v = seconds)
        {
            var i = 0;
            for (; i + Vector256<float>.Count <= values.Length; i += Vector256<float>.Count)
            {
                var gradient = Vector256.Load(g + i) * _gradientScale;
                var first = Vector256.Load(m + i);
                first = Vector256.FusedMultiplyAdd(Vector256.Create((float)(1 - Beta1)), gradient - first, first);
                var second = (Vector256.Load(v + i) * (float)Beta2) + (gradient * (float)(1 - Beta2) * gradient);
                var root = (Vector256.Sqrt(second) / _rootOfCorrection) + Vector256.Create(Epsilon);
                ((Vector256.Load(w + i) * _decay) + (first * _stepSize / root)).Store(w + i);
                first.Store(m + i);
                second.Store(v + i);
                Vector256<float>.Zero.Store(g + i);
            }

            for (; i < values.Length; i++)
            {
                var gradient = g[i] * _gradientScale;
                m[i] = MathF.FusedMultiplyAdd((float)(1 - Beta1), gradient - m[i], m[i]);
                v[i] = (v[i] * (float)Beta2) + (gradient * (float)(1 - Beta2) * gradient);
                w[i] = (w[i] * _decay) + (m[i] * _stepSize / ((MathF.Sqrt(v[i]) / _rootOfCorrection) + Epsilon));
                g[i] = 0;
            }
        }
    }
}
