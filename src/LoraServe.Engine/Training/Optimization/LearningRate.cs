using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Optimization;

/// <summary>The learning rate of every step: a linear warm-up from 0 to the peak, then the schedule.</summary>
internal static class LearningRate
{
    /// <param name="settings">Schedule, warm-up and number of steps.</param>
    /// <param name="step">From 0: with a warm-up, the first step has 0.</param>
    public static double At(TrainingSettings settings, int step)
    {
        if (step < settings.WarmupSteps) return settings.LearningRate * step / settings.WarmupSteps;
        var done = (double)(step - settings.WarmupSteps) / Math.Max(1, settings.Steps - settings.WarmupSteps);
        return settings.LearningRate * settings.Schedule switch
        {
            LearningRateSchedule.Cosine => (1 + Math.Cos(Math.PI * done)) / 2,
            LearningRateSchedule.Linear => 1 - done,
            LearningRateSchedule.Constant => 1,
            var other => throw new ArgumentException($"unknown schedule {other}", nameof(settings)),
        };
    }
}
