using System.Diagnostics;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Optimization;
using LoraServe.Engine.Training.Settings;
using TorchSharp;

namespace LoraServe.Benchmarks.Training;

/// <summary>Measures LoRA training steps on random examples of equal length, without a server.</summary>
internal static class TrainBenchmark
{
    private const double LearningRate = 1e-4;

    private static readonly string[] Targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    public static IEnumerable<TrainResult> Run(TrainOptions options, torch.ScalarType dtype, IEnumerable<TrainCase> cases)
    {
        torch.set_num_threads(options.Threads);
        var config = ModelConfig.Load(options.Model);
        using var files = Checkpoint.Open(options.Model);
        using var weights = BaseWeights.Load(config, files, dtype, torch.CPU, progress: null);
        foreach (var one in cases) yield return Run(options, config, weights, one);
    }

    private static TrainResult Run(TrainOptions options, ModelConfig config, BaseWeights weights, TrainCase one)
    {
        using var model = new TrainedModel(config, Math.Max(options.Length, config.MaxPositionEmbeddings), weights, Settings(options, one));
        using var optimiser = new AdamW(model.Parameters, weightDecay: 0.01);
        var batch = Batch(options, config, one);
        var (seconds, processor) = (new List<double>(), new List<double>());
        var (loss, activations) = (0.0, 0L);
        PeakMemory.Forget();
        for (var step = 0; step <= options.Steps; step++)
        {
            var (start, used) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            using (var pass = model.Train(batch, 1.0 / batch.TargetCount, dropoutSeed: step))
            {
                while (pass.Advance()) activations = Math.Max(activations, pass.Bytes);
                loss = pass.LossSum / batch.TargetCount;
            }

            var scale = GradientNorm.Scale(GradientNorm.Of(model.Parameters), most: 1);
            while (optimiser.Advance(LearningRate, scale))
            {
            }

            model.Refresh();
            if (step == 0) continue;
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            processor.Add((Environment.CpuUsage.TotalTime - used).TotalSeconds);
        }

        // Value, gradient and AdamW's two moments.
        var parameters = model.Parameters.Sum(parameter => parameter.Value.numel()) * sizeof(float) * 4;
        return new TrainResult(one, new Distribution(seconds), new Distribution(processor), parameters + activations, PeakMemory.Read(), loss);
    }

    private static TrainingBatch Batch(TrainOptions options, ModelConfig config, TrainCase one)
    {
        var random = new Random(1);
        int[] tokens = [.. Enumerable.Range(0, options.Examples * options.Length).Select(_ => random.Next(config.VocabularySize))];
        var first = one.HalfOfTargets ? options.Length / 2 : 0;
        return new TrainingBatch(
            tokens,
            [.. Enumerable.Repeat(options.Length, options.Examples)],
            [.. tokens.Select((_, i) => i % options.Length >= first ? tokens[(i + 1) % tokens.Length] : -1)]);
    }

    private static TrainingSettings Settings(TrainOptions options, TrainCase one) => new()
    {
        Method = TrainingMethod.Lora,
        Rank = options.Rank,
        Alpha = 2 * options.Rank,
        Dropout = 0,
        UseRsLora = false,
        UseDora = false,
        TargetModules = Targets,
        RankPattern = new Dictionary<string, int>(),
        AlphaPattern = new Dictionary<string, double>(),
        Steps = options.Steps,
        BatchSize = options.Examples,
        MicroBatchTokens = options.Examples * options.Length,
        LearningRate = LearningRate,
        Schedule = LearningRateSchedule.Constant,
        WarmupSteps = 0,
        WeightDecay = 0.01,
        MaxGradientNorm = 1,
        MaxSequenceLength = options.Length,
        Recompute = one.Recompute,
        Seed = 1,
        EvaluateEvery = 0,
        ExactMatchExamples = 0,
        EarlyStopping = 0,
        CheckpointEvery = 0,
        OutputDtype = "float32",
    };
}
