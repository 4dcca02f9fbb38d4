using LoraServe.Engine.Generation;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using LoraServe.Text.Tokenizers;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Engine.Tests.Training.Runs;

/// <summary>Trainings of about a second on a base of three layers.</summary>
internal static class TinyTraining
{
    private const int Eos = 2;

    /// <summary>The default settings.</summary>
    public static TrainingSettings Settings { get; } = SampleSettings.Create() with
    {
        Rank = 8,
        Alpha = 16,
        Steps = 12,
        MicroBatchTokens = 32,
        Schedule = LearningRateSchedule.Constant,
        WarmupSteps = 0,
        WeightDecay = 0,
        MaxSequenceLength = 128,
        Seed = 7,
        EvaluateEvery = 4,
        ExactMatchExamples = 3,
        CheckpointEvery = 3,
    };

    /// <summary>An engine on one thread, so that results are bitwise reproducible.</summary>
    public static LlmEngine Engine(string data, EngineOptions? options = null) => LlmEngine.Load(
        (options ?? Options) with { Data = data }, progress: null, NullLoggerFactory.Instance);

    /// <summary>The options of <see cref="Engine"/>.</summary>
    public static EngineOptions Options { get; } = new()
    {
        Model = GoldenData.Path("checkpoints", "llama-gqa"),
        Data = "",
        Dtype = "float32",
        Threads = 1,
        MaxNumSeqs = 4,
        MaxNumBatchedTokens = 64,
        KvCacheMemory = 8,
    };

    /// <summary>A plan of random examples.</summary>
    /// <param name="engine">Its tokenizer decodes the completions.</param>
    /// <param name="folder">Of the run.</param>
    /// <param name="settings">How to train.</param>
    /// <param name="count">Number of examples; the first five are the validation data too.</param>
    public static TrainingPlan Plan(LlmEngine engine, string folder, TrainingSettings? settings = null, int count = 8)
    {
        var random = new Random(3);
        var examples = Enumerable.Range(0, count).Select(i => Example(engine.Tokenizer, random, line: i + 1)).ToList();
        return new TrainingPlan
        {
            Request = new TrainingRequest { TrainingFile = "train.jsonl", ValidationFile = "valid.jsonl", Folder = folder },
            Settings = settings ?? Settings,
            Choices = [],
            Training = new TrainingDataset { Examples = examples, Hash = $"train-{count}", Warnings = [] },
            Validation = new TrainingDataset { Examples = [.. examples.Take(5)], Hash = "valid", Warnings = [] },
            TrainedParameters = 0,
        };
    }

    private static TrainingExample Example(Tokenizer tokenizer, Random random, int line)
    {
        int[] prompt = [1, .. Enumerable.Range(0, random.Next(3, 9)).Select(_ => random.Next(3, 320))];
        int[] completion = [.. Enumerable.Range(0, random.Next(2, 8)).Select(_ => random.Next(3, 320))];
        int[] tokens = [.. prompt, .. completion, Eos];
        var text = new IncrementalDetokenizer(tokenizer, skipSpecialTokens: true, prompt);
        return new TrainingExample(line, tokens, [.. tokens.Select((_, i) => i >= prompt.Length)])
        {
            Prompt = prompt,
            Completion = string.Concat(completion.Select(text.Append)) + text.Flush(),
        };
    }
}
