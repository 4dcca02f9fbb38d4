using System.Globalization;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Benchmarks.Training;

/// <summary>Trains on one thread until it is done or killed, and journals every step.</summary>
internal static class TrainingKillWorker
{
    /// <summary>Writes the training data.</summary>
    public static void Prepare(string root)
    {
        var random = new Random(1);
        File.WriteAllLines(Data(root), Enumerable.Range(0, 24).Select(_ => $$"""{"prompt": "{{Words(6)}}", "completion": "{{Words(4)}}"}"""));

        string Words(int count) => string.Join(' ', Enumerable.Range(0, random.Next(2, count)).Select(_ => random.Next(1000)));
    }

    /// <summary>Starts or resumes the training in a folder.</summary>
    /// <param name="model">Folder of a checkpoint.</param>
    /// <param name="root">Where the data is.</param>
    /// <param name="run">The run's folder in it.</param>
    public static async Task RunAsync(string model, string root, string run)
    {
        await using var journal = new StreamWriter(new FileStream(Journal(root), FileMode.Append, FileAccess.Write, FileShare.ReadWrite))
        {
            AutoFlush = true,
        };
        // A killed process may leave its data folder locked for a moment.
        var data = Path.Combine(root, $"data-{Environment.ProcessId}");
        var options = new EngineOptions { Model = model, Data = data, Dtype = "float32", Threads = 1, KvCacheMemory = 8 };
        await using var engine = LlmEngine.Load(options, progress: null, NullLoggerFactory.Instance);
        var trainer = new LoraTrainer(engine);
        var plan = trainer.Prepare(new TrainingRequest
        {
            TrainingFile = Data(root),
            ValidationFile = Data(root),
            Folder = Path.Combine(root, run),
            Hyperparameters = new Hyperparameters
            {
                Rank = 4,
                Dropout = 0.1,
                Steps = 240,
                BatchSize = 6,
                MicroBatchTokens = 64,
                LearningRate = 0.005,
                EvaluateEvery = 20,
                ExactMatchExamples = 2,
                EarlyStopping = 0,
                CheckpointEvery = 4,
                Seed = 5,
            },
        });
        await journal.WriteLineAsync("begin");
        await trainer.RunAsync(plan, new StepJournal(journal), CancellationToken.None);
        await journal.WriteLineAsync("end");
    }

    /// <summary>Path of the journal.</summary>
    public static string Journal(string root) => Path.Combine(root, "journal");

    private static string Data(string root) => Path.Combine(root, "data.jsonl");

    private sealed class StepJournal(StreamWriter journal) : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent value)
        {
            if (value is StepMade made) journal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{made.Step} {made.Loss:R} {made.GradientNorm:R}"));
            if (value is Evaluated evaluated) journal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"e{evaluated.Step} {evaluated.Figures.Loss:R} {evaluated.Figures.ExactMatch:R}"));
        }
    }
}
