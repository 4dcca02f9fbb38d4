using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using TorchSharp;

namespace LoraServe.Engine.Tests.Training.Gradients;

/// <summary>A golden checkpoint to train on, and plain settings.</summary>
internal sealed class TrainedCheckpoint : IDisposable
{
    public const int MaxModelLen = 256;

    public TrainedCheckpoint(string name, torch.ScalarType dtype = torch.ScalarType.Float32)
    {
        var folder = GoldenData.Path("checkpoints", name);
        Config = ModelConfig.Load(folder);
        using var files = Checkpoint.Open(folder);
        Weights = BaseWeights.Load(Config, files, dtype, torch.CPU, progress: null);
    }

    public static TrainingSettings Settings => SampleSettings.Create() with
    {
        MicroBatchTokens = 4096,
        MaxSequenceLength = MaxModelLen,
        Seed = 1,
        EvaluateEvery = 0,
        CheckpointEvery = 0,
    };

    public ModelConfig Config { get; }

    public BaseWeights Weights { get; }

    /// <summary>A batch of examples whose completion tokens are the targets.</summary>
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
