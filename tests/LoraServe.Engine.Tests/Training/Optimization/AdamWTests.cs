using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Optimization;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Training.Optimization;

public class AdamWTests
{
    private const int Steps = 25;

    // Sizes with and without a remainder after whole SIMD vectors, and a single element.
    private static readonly long[][] Shapes = [[5, 7], [64, 3], [1], [33]];

    [Theory]
    [InlineData(0.0, 0.0)]
    [InlineData(0.01, 1.0)]
    [InlineData(0.3, 0.05)]
    public void Advance_ManySteps_EqualsTorchWithClippedGradients(double weightDecay, double mostNorm)
    {
        using var scope = NewDisposeScope();
        var starts = Shapes.Select((shape, i) => Draw(shape, i)).ToList();
        var reference = starts.Select(start => new TorchSharp.Modules.Parameter(start.clone())).ToList();
        var torch = optim.AdamW(reference, lr: 1, weight_decay: weightDecay);
        using var inference = inference_mode();
        var parameters = starts.Select((start, i) => new TrainedParameter($"p{i}", start.clone())).ToList();
        using var optimizer = new AdamW(parameters, weightDecay);

        for (var step = 0; step < Steps; step++)
        {
            var rate = 0.01 * (step % 7);
            for (var i = 0; i < Shapes.Length; i++) parameters[i].Gradient.copy_(Draw(Shapes[i], (step * 100) + i + 50));
            var norm = StepReference(torch, reference, parameters, rate, mostNorm);

            var own = GradientNorm.Of(parameters);
            optimizer.Advance(rate, GradientNorm.Scale(own, mostNorm)).ShouldBeFalse();

            own.ShouldBe(norm, 1e-5 * norm);
            optimizer.Steps.ShouldBe(step + 1);
            for (var i = 0; i < Shapes.Length; i++)
            {
                Largest(parameters[i].Value.sub(reference[i].detach())).ShouldBeLessThan(2e-6, $"step {step}, parameter {i}");
                Largest(parameters[i].Gradient).ShouldBe(0);
            }
        }

        Largest(parameters[0].Value.sub(starts[0])).ShouldBeGreaterThan(0.1);
        foreach (var parameter in parameters) parameter.Dispose();
    }

    [Fact]
    public void Advance_MoreThanASlice_TakesSeveralCallsAndUpdatesAll()
    {
        using var scope = NewDisposeScope();
        using var parameters = new Parameters(ones(1 << 22), ones(1 << 22), ones(3));
        using var optimizer = new AdamW(parameters.All, weightDecay: 0);
        foreach (var parameter in parameters.All) parameter.Gradient.fill_(1);

        optimizer.Advance(0.5, 1).ShouldBeTrue();
        optimizer.Steps.ShouldBe(0);
        optimizer.Advance(0.5, 1).ShouldBeTrue();
        optimizer.Advance(0.5, 1).ShouldBeFalse();

        optimizer.Steps.ShouldBe(1);
        foreach (var parameter in parameters.All) Largest(parameter.Value.sub(full_like(parameter.Value, 0.5))).ShouldBeLessThan(1e-6);
    }

    [Fact]
    public void Advance_OneParameterOfSeveralSlices_IsUpdatedPieceByPiece()
    {
        using var scope = NewDisposeScope();
        using var parameters = new Parameters(ones(2, (1 << 22) + 5));
        using var optimizer = new AdamW(parameters.All, weightDecay: 0);
        parameters.All[0].Gradient.fill_(1);
        var size = parameters.All[0].Value.numel();

        GradientNorm.Of(parameters.All).ShouldBe(Math.Sqrt(size));
        optimizer.Advance(0.5, 1).ShouldBeTrue();
        Largest(parameters.All[0].Value.view(-1).narrow(0, 1 << 22, size - (1 << 22)).sub(ones(1))).ShouldBe(0);
        optimizer.Advance(0.5, 1).ShouldBeTrue();
        optimizer.Advance(0.5, 1).ShouldBeFalse();

        Largest(parameters.All[0].Value.sub(full_like(parameters.All[0].Value, 0.5))).ShouldBeLessThan(1e-6);
        Largest(parameters.All[0].Gradient).ShouldBe(0);
    }

    [Fact]
    public void Norm_NotFiniteGradient_IsNotFinite()
    {
        using var scope = NewDisposeScope();
        using var parameters = new Parameters(ones(40));
        parameters.All[0].Gradient.fill_(float.PositiveInfinity);

        double.IsFinite(GradientNorm.Of(parameters.All)).ShouldBeFalse();
    }

    private static double StepReference(
        optim.Optimizer torch, List<TorchSharp.Modules.Parameter> reference, List<TrainedParameter> parameters, double rate, double mostNorm)
    {
        using var normal = inference_mode(false);
        for (var i = 0; i < reference.Count; i++) reference[i].grad = parameters[i].Gradient.clone();
        var norm = nn.utils.clip_grad_norm_(reference, mostNorm > 0 ? mostNorm : 1e30);
        foreach (var group in torch.ParamGroups) group.LearningRate = rate;
        torch.step();
        return norm;
    }

    private static Tensor Draw(long[] shape, int seed)
    {
        using var generator = new Generator((ulong)seed);
        return randn(shape, generator: generator);
    }

    private static double Largest(Tensor tensor) => tensor.abs().max().item<float>();

    private sealed class Parameters(params Tensor[] values) : IDisposable
    {
        public List<TrainedParameter> All { get; } = [.. values.Select((value, i) => new TrainedParameter($"p{i}", value))];

        public void Dispose()
        {
            foreach (var parameter in All) parameter.Dispose();
        }
    }
}
