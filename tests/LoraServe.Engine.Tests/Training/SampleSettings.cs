using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Tests.Training;

/// <summary>The settings of the golden trainings, for tests to modify.</summary>
internal static class SampleSettings
{
    public static TrainingSettings Create() => new()
    {
        Method = TrainingMethod.Lora,
        Rank = 4,
        Alpha = 8,
        Dropout = 0,
        UseRsLora = false,
        UseDora = false,
        TargetModules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        RankPattern = new Dictionary<string, int>(),
        AlphaPattern = new Dictionary<string, double>(),
        Steps = 20,
        BatchSize = 4,
        MicroBatchTokens = 1024,
        LearningRate = 0.01,
        Schedule = LearningRateSchedule.Cosine,
        WarmupSteps = 4,
        WeightDecay = 0.01,
        MaxGradientNorm = 1,
        MaxSequenceLength = 64,
        Recompute = false,
        Seed = 0,
        EvaluateEvery = 10,
        ExactMatchExamples = 0,
        EarlyStopping = 0,
        CheckpointEvery = 10,
        OutputDtype = "float32",
    };
}
