using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using TorchSharp;

namespace LoraServe.Engine.Tests.Training.Gradients;

/// <summary>A golden checkpoint to train on, and settings without surprises.</summary>
internal sealed class TrainedCheckpoint : IDisposable
{
    public static readonly string[] AllLinear = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    public const int MaxModelLen = 256;

    public TrainedCheckpoint(string name, torch.ScalarType dtype = torch.ScalarType.Float32)
    {
        var folder = GoldenData.Path("checkpoints", name);
        Config = ModelConfig.Load(folder);
        using var files = Checkpoint.Open(folder);
        Weights = BaseWeights.Load(Config, files, dtype, torch.CPU, progress: null);
    }

    public static TrainingSettings Settings => new()
    {
        Method = TrainingMethod.Lora,
        Rank = 4,
        Alpha = 8,
        Dropout = 0,
        UseRsLora = false,
        UseDora = false,
        TargetModules = AllLinear,
        RankPattern = new Dictionary<string, int>(),
        AlphaPattern = new Dictionary<string, double>(),
        Steps = 20,
        BatchSize = 4,
        MicroBatchTokens = 4096,
        LearningRate = 0.01,
        Schedule = LearningRateSchedule.Cosine,
        WarmupSteps = 4,
        WeightDecay = 0.01,
        MaxGradientNorm = 1,
        MaxSequenceLength = MaxModelLen,
        Recompute = false,
        Seed = 1,
        EvaluateEvery = 0,
        ExactMatchExamples = 0,
        EarlyStopping = 0,
        CheckpointEvery = 0,
        OutputDtype = "float32",
    };

    public ModelConfig Config { get; }

    public BaseWeights Weights { get; }

    /// <summary>A batch of examples whose last tokens, all but the prompt's, are targets.</summary>
    public static TrainingBatch Batch(params IReadOnlyList<(int[] Prompt, int[] Completion)> examples)
    {
        var (tokens, lengths, targets) = (new List<int>(), new List<int>(), new List<int>());
        foreach (var (prompt, completion) in examples)
        {
            int[] all = [.. prompt, .. completion];
            tokens.AddRange(all);
            lengths.Add(all.Length);
            targets.AddRange(Enumerable.Range(1, all.Length).Select(next => next >= prompt.Length && next < all.Length ? all[next] : -1));
        }

        return new TrainingBatch(tokens, lengths, targets);
    }

    /// <summary>Examples of random tokens.</summary>
    public TrainingBatch RandomBatch(int seed, params int[] lengths)
    {
        var random = new Random(seed);
        return Batch([.. lengths.Select(length => (Tokens(length / 3 + 1), Tokens(length - (length / 3) - 1)))]);

        int[] Tokens(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(Config.VocabularySize))];
    }

    /// <summary>Runs a pass to its end and returns its mean loss.</summary>
    public static double Run(TrainingPass pass, int targets)
    {
        using (pass)
        {
            while (pass.Advance())
            {
            }

            return pass.LossSum / targets;
        }
    }

    public void Dispose() => Weights.Dispose();
}
