using LoraServe.Engine.Kernels;
using LoraServe.Engine.Training.Gradients;

namespace LoraServe.Engine.Training.Optimization;

/// <summary>The norm of all gradients, and clipping by it (Pascanu et al. 2013).</summary>
/// <param name="parameters">Their gradients must not change before it is complete.</param>
internal sealed class GradientNorm(IReadOnlyList<TrainedParameter> parameters) : ISlicedWork
{
    private const double Epsilon = 1e-6;

    // Elements summed per slice: some milliseconds of work.
    private const long Slice = 1 << 22;

    private double _squares;
    private int _next;
    private long _first;

    /// <summary>The root of the sum of squares over all elements; not finite if one of them is not.</summary>
    public double Value => Math.Sqrt(_squares);

    /// <summary>Sums the squares of the next elements.</summary>
    public bool Advance()
    {
        var (sum, elements) = (0.0, 0L);
        while (elements < Slice && _next < parameters.Count)
        {
            var gradient = parameters[_next].Gradient;
            var count = Math.Min(Slice, gradient.numel() - _first);
            using (var piece = new FloatPieces(gradient, _first, count)) sum += SquareSum.Of(piece[0]);
            (elements, _first) = (elements + count, _first + count);
            if (_first == gradient.numel()) (_next, _first) = (_next + 1, 0);
        }

        _squares += sum;
        return _next < parameters.Count;
    }

    /// <summary>The norm in one go.</summary>
    public static double Of(IReadOnlyList<TrainedParameter> parameters)
    {
        var norm = new GradientNorm(parameters);
        while (norm.Advance())
        {
        }

        return norm.Value;
    }

    /// <summary>The factor for gradients of this norm, as in PyTorch's clip_grad_norm_: at most 1.</summary>
    /// <param name="norm">Their <see cref="Value"/>.</param>
    /// <param name="most">The bound; 0 for none.</param>
    public static double Scale(double norm, double most) => most > 0 ? Math.Min(1, most / (norm + Epsilon)) : 1;
}
