using LoraServe.Engine.Training.Optimization;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Optimization;

public class LearningRateTests
{
    [Fact]
    public void At_WarmUpThenCosine_IsThatOfTheReference()
    {
        var steps = GoldenData.Json("training", "expected.json").GetProperty("variants").GetProperty("lora").GetProperty("steps");

        foreach (var step in steps.EnumerateArray())
        {
            LearningRate.At(SampleSettings.Create(), step.GetProperty("step").GetInt32())
                .ShouldBe(step.GetProperty("learning_rate").GetDouble(), 1e-15);
        }

        steps.GetArrayLength().ShouldBe(20);
    }

    [Theory]
    [InlineData(LearningRateSchedule.Linear, 0.0025, 0.01, 0.005, 0.000625)]
    [InlineData(LearningRateSchedule.Constant, 0.0025, 0.01, 0.01, 0.01)]
    public void At_OtherSchedules_GoOnAfterTheWarmUp(LearningRateSchedule schedule, double first, double peak, double middle, double last)
    {
        var settings = SampleSettings.Create() with { Schedule = schedule };

        LearningRate.At(settings, 1).ShouldBe(first, 1e-15);
        LearningRate.At(settings, 4).ShouldBe(peak, 1e-15);
        LearningRate.At(settings, 12).ShouldBe(middle, 1e-15);
        LearningRate.At(settings, 19).ShouldBe(last, 1e-15);
    }

    [Fact]
    public void At_NoWarmUp_BeginsAtTheTop() =>
        LearningRate.At(SampleSettings.Create() with { WarmupSteps = 0 }, 0).ShouldBe(0.01);

    [Fact]
    public void At_WarmUpAsLongAsTheTraining_StaysFinite() =>
        LearningRate.At(SampleSettings.Create() with { WarmupSteps = 20 }, 19).ShouldBe(0.0095, 1e-15);
}
