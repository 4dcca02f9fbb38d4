using LoraServe.Engine.Kernels;
using LoraServe.Engine.Training.Gradients;

namespace LoraServe.Engine.Training.Optimization;

/// <summary>The norm of all gradients together, and how they are kept below a bound (Pascanu et al. 2013).</summary>
internal static class GradientNorm
{
    private const double Epsilon = 1e-6;

    // Elements that are summed before requests may go first.
    private const long Slice = 1 << 22;

    /// <summary>The root of the sum of squares over all elements of all gradients; not finite where one of them is not.</summary>
    public static double Of(IEnumerable<TrainedParameter> parameters) => Math.Sqrt(SquareSums(parameters).Sum());

    /// <summary>The sums of squares that <see cref="Of"/> is the root of, a slice of time each.</summary>
    public static IEnumerable<double> SquareSums(IEnumerable<TrainedParameter> parameters)
    {
        var (sum, elements) = (0.0, 0L);
        foreach (var parameter in parameters)
        {
            var size = parameter.Gradient.numel();
            for (var first = 0L; first < size; first += Slice)
            {
                var count = Math.Min(Slice, size - first);
                using (var piece = new FloatPieces(parameter.Gradient, first, count)) sum += SquareSum.Of(piece[0]);
                elements += count;
                if (elements < Slice) continue;
                yield return sum;
                (sum, elements) = (0, 0);
            }
        }

        yield return sum;
    }

    /// <summary>What gradients of this norm are multiplied with, as PyTorch's clip_grad_norm_ does it: at most 1.</summary>
    /// <param name="norm">Of <see cref="Of"/>.</param>
    /// <param name="most">The bound; 0 for none.</param>
    public static double Scale(double norm, double most) => most > 0 ? Math.Min(1, most / (norm + Epsilon)) : 1;
}
