using LoraServe.Engine.Kernels;
using LoraServe.Engine.Training.Gradients;

namespace LoraServe.Engine.Training.Optimization;

/// <summary>The norm of all gradients together, and how they are kept below a bound (Pascanu et al. 2013).</summary>
internal static class GradientNorm
{
    private const double Epsilon = 1e-6;

    /// <summary>The root of the sum of squares over all elements of all gradients; not finite where one of them is not.</summary>
    public static double Of(IEnumerable<TrainedParameter> parameters)
    {
        var sum = 0.0;
        foreach (var parameter in parameters)
        {
            using var pieces = new FloatPieces(parameter.Gradient);
            for (var i = 0; i < pieces.Count; i++) sum += SquareSum.Of(pieces[i]);
        }

        return Math.Sqrt(sum);
    }

    /// <summary>What gradients of this norm are multiplied with, as PyTorch's clip_grad_norm_ does it: at most 1.</summary>
    /// <param name="norm">Of <see cref="Of"/>.</param>
    /// <param name="most">The bound; 0 for none.</param>
    public static double Scale(double norm, double most) => most > 0 ? Math.Min(1, most / (norm + Epsilon)) : 1;
}
