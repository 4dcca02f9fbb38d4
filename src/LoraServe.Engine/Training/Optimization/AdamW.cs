using LoraServe.Engine.Kernels;
using LoraServe.Engine.Training.Gradients;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Optimization;

/// <summary>
/// AdamW (Kingma and Ba 2015; decoupled weight decay after Loshchilov and Hutter 2019) with PyTorch's defaults: betas 0.9 and 0.999, epsilon
/// 1e-8. Only the engine's thread uses it.
/// </summary>
internal sealed class AdamW : IDisposable
{
    // Elements updated per slice: some milliseconds of work.
    private const long Slice = 1 << 22;

    private readonly IReadOnlyList<(TrainedParameter Parameter, Tensor First, Tensor Second)> _moments;
    private readonly double _weightDecay;
    private int _next;
    private long _first;

    /// <param name="parameters">Stay the caller's; contiguous. The moments are in main memory on any device.</param>
    /// <param name="weightDecay">Decay per step as a fraction of the weight, times the learning rate.</param>
    public AdamW(IReadOnlyList<TrainedParameter> parameters, double weightDecay)
    {
        _weightDecay = weightDecay;
        _moments = [.. parameters.Select(parameter => (parameter, Zeros(parameter), Zeros(parameter)))];
    }

    /// <summary>Steps done; set when a training resumes.</summary>
    public int Steps { get; set; }

    /// <summary>
    /// For each parameter the moving averages of its gradient and its square, of its shape; written when a training resumes.
    /// </summary>
    public IEnumerable<(TrainedParameter Parameter, Tensor First, Tensor Second)> Moments => _moments;

    /// <summary>
    /// Updates the next slice of parameters and sets their gradients to 0. A step is complete when
    /// this returns false; pass the same arguments until then.
    /// </summary>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="gradientScale">Multiplies every gradient first: see <see cref="GradientNorm.Scale"/>.</param>
    public bool Advance(double learningRate, double gradientScale)
    {
        var update = new AdamWUpdate(learningRate, _weightDecay, Steps + 1, gradientScale);
        for (var elements = 0L; elements < Slice && _next < _moments.Count;)
        {
            var (parameter, first, second) = _moments[_next];
            var count = Math.Min(Slice, parameter.Value.numel() - _first);
            using var values = new FloatPieces(parameter.Value, _first, count);
            using var gradients = new FloatPieces(parameter.Gradient, _first, count);
            using var firsts = new FloatPieces(first, _first, count);
            using var seconds = new FloatPieces(second, _first, count);
            for (var i = 0; i < values.Count; i++) update.Run(values[i], gradients[i], firsts[i], seconds[i]);
            values.Store();
            gradients.Store();
            (elements, _first) = (elements + count, _first + count);
            if (_first == parameter.Value.numel()) (_next, _first) = (_next + 1, 0);
        }

        if (_next < _moments.Count) return true;
        _next = 0;
        Steps++;
        return false;
    }

    /// <summary>Frees the moments, not the parameters.</summary>
    public void Dispose()
    {
        foreach (var (_, first, second) in _moments)
        {
            first.Dispose();
            second.Dispose();
        }
    }

    private static Tensor Zeros(TrainedParameter parameter) => zeros(parameter.Value.shape, ScalarType.Float32, CPU).DetachFromDisposeScope();
}
