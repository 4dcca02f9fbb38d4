using System.Runtime.InteropServices;
using LoraServe.Engine.Training.Gradients;
using TorchSharp;

namespace LoraServe.Engine.Tests.Training.Gradients;

/// <summary>AdamW (Loshchilov and Hutter 2019, algorithm 2) element by element, with the settings of the golden trainings.</summary>
internal sealed class ReferenceAdamW(IReadOnlyList<TrainedParameter> parameters)
{
    private const float Beta1 = 0.9f;
    private const float Beta2 = 0.999f;
    private const float Epsilon = 1e-8f;
    private const double Decay = 0.01;
    private const double MaxNorm = 1;

    private readonly float[][] _first = [.. parameters.Select(parameter => new float[parameter.Value.numel()])];
    private readonly float[][] _second = [.. parameters.Select(parameter => new float[parameter.Value.numel()])];
    private int _steps;

    /// <summary>Euclidean norm of all gradients together.</summary>
    public double GradientNorm() => Math.Sqrt(parameters.Sum(parameter => parameter.Gradient.data<float>().Sum(value => (double)value * value)));

    /// <summary>Does one step with gradients clipped to norm 1, and sets them to 0.</summary>
    public void Step(double rate, double norm)
    {
        _steps++;
        var clip = (float)Math.Min(1, MaxNorm / (norm + 1e-6));
        var (correction1, correction2) = (1 - Math.Pow(Beta1, _steps), Math.Sqrt(1 - Math.Pow(Beta2, _steps)));
        for (var p = 0; p < parameters.Count; p++)
        {
            var value = Floats(parameters[p].Value);
            var gradient = Floats(parameters[p].Gradient);
            for (var i = 0; i < _first[p].Length; i++)
            {
                var g = gradient[i] * clip;
                var m = _first[p][i] = (Beta1 * _first[p][i]) + ((1 - Beta1) * g);
                var v = _second[p][i] = (Beta2 * _second[p][i]) + ((1 - Beta2) * g * g);
                value[i] = (float)((value[i] * (1 - (rate * Decay))) - (rate / correction1 * m / ((Math.Sqrt(v) / correction2) + Epsilon)));
            }

            parameters[p].Gradient.zero_();
        }
    }

    private static Span<float> Floats(torch.Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
}
