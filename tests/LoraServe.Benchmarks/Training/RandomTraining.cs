using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Benchmarks.Training;

/// <summary>A training on random tokens, which is as fast as on any others: r = 8 on all linear modules.</summary>
internal static class RandomTraining
{
    private const int Examples = 64;
    private const int MostSteps = 1_000_000;

    /// <summary>A plan with so many steps that it must be cancelled.</summary>
    /// <param name="engine">Has the model to train.</param>
    /// <param name="folder">Of the run.</param>
    /// <param name="length">Tokens of an example; the second half are targets.</param>
    /// <param name="batch">Examples of a step.</param>
    /// <param name="microBatchTokens">Maximum tokens of a pass.</param>
    public static TrainingPlan Plan(LlmEngine engine, string folder, int length, int batch, int microBatchTokens)
    {
        var random = new Random(1);
        var modules = ModelConfig.Load(engine.ModelFolder).Modules(engine.Model.Name);
        return new TrainingPlan
        {
            Request = new TrainingRequest { TrainingFile = "random", Folder = folder },
            Settings = new TrainingSettings
            {
                Method = TrainingMethod.Lora,
                Rank = 8,
                Alpha = 16,
                Dropout = 0,
                UseRsLora = false,
                UseDora = false,
                TargetModules = [.. modules.Linears.Where(linear => linear.Path != modules.Head).Select(linear => linear.Path.Split('.')[^1]).Distinct()],
                RankPattern = new Dictionary<string, int>(),
                AlphaPattern = new Dictionary<string, double>(),
                Steps = MostSteps,
                BatchSize = batch,
                MicroBatchTokens = microBatchTokens,
                LearningRate = 1e-4,
                Schedule = LearningRateSchedule.Constant,
                WarmupSteps = 0,
                WeightDecay = 0.01,
                MaxGradientNorm = 1,
                MaxSequenceLength = length,
                Recompute = false,
                Seed = 1,
                EvaluateEvery = MostSteps,
                ExactMatchExamples = 0,
                EarlyStopping = 0,
                CheckpointEvery = MostSteps,
                OutputDtype = "float32",
            },
            Choices = [],
            Training = new TrainingDataset { Examples = [.. Enumerable.Range(1, Examples).Select(Example)], Hash = "random", Warnings = [] },
            Validation = null,
            TrainedParameters = 0,
        };

        TrainingExample Example(int line)
        {
            int[] tokens = [.. Enumerable.Range(0, length).Select(_ => random.Next(engine.Model.VocabularySize))];
            return new TrainingExample(line, tokens, [.. tokens.Select((_, i) => i >= length / 2)])
            {
                Prompt = tokens[..(length / 2)],
                Completion = "",
            };
        }
    }
}
