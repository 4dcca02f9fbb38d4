using System.CommandLine;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Commands;

/// <summary>The command-line options for hyperparameters. Those not given are chosen, and the choice is printed.</summary>
internal sealed class HyperparameterOptions
{
    private readonly Option<double?> _alpha = ValueOption.Number<double>("--alpha", "alpha of the scaling alpha / r. Default: chosen.");
    private readonly Option<double?> _dropout = ValueOption.Number<double>("--dropout", "Probability with which inputs of A are dropped. Default: 0.");
    private readonly Option<bool> _rslora = new("--rslora") { Description = "Scale by alpha / sqrt(r) instead of alpha / r." };
    private readonly Option<bool> _dora = new("--dora") { Description = "Train magnitudes beside the directions (DoRA)." };
    private readonly Option<int?> _epochs = ValueOption.Number<int>("--epochs", "How often every example is seen. Default: chosen.");
    private readonly Option<int?> _steps = ValueOption.Number<int>("--steps", "Steps of the optimiser, instead of --epochs.");
    private readonly Option<int?> _batchSize = ValueOption.Number<int>("--batch-size", "Examples of a step. Default: chosen.");
    private readonly Option<int?> _microBatch = ValueOption.Number<int>(
        "--micro-batch-tokens", "Most tokens that go through the model at once; bounds the memory. Default: chosen.");

    private readonly Option<double?> _learningRate = ValueOption.Number<double>("--learning-rate", "The highest learning rate. Default: chosen.");
    private readonly Option<LearningRateSchedule?> _schedule = ValueOption.Name<LearningRateSchedule>(
        "--schedule", "How the learning rate goes on after the warm-up: cosine, linear or constant. Default: cosine.");

    private readonly Option<int?> _warmup = ValueOption.Number<int>("--warmup", "Steps in which the learning rate grows from 0. Default: chosen.");
    private readonly Option<double?> _weightDecay = ValueOption.Number<double>("--weight-decay", "Decoupled weight decay. Default: chosen.");
    private readonly Option<double?> _clip = ValueOption.Number<double>("--clip", "Largest norm of the gradient; 0 leaves it as it is. Default: chosen.");
    private readonly Option<int?> _maxLength = ValueOption.Number<int>("--max-seq-len", "Most tokens of an example. Default: what the model was made for.");
    private readonly Option<bool> _skipTooLong = new("--skip-too-long")
    {
        Description = "Leave out examples that are too long, naming them, instead of refusing the data.",
    };

    private readonly Option<bool> _recompute = new("--recompute")
    {
        Description = "Compute activations again on the way back instead of keeping them: less memory, about a third slower.",
    };

    private readonly Option<long?> _seed = ValueOption.Number<long>("--seed", "Decides the start of A, the order of the examples and what is dropped. Default: chosen.");
    private readonly Option<int?> _exactMatch = ValueOption.Number<int>(
        "--exact-match", "Held-out examples that are generated and compared at an evaluation; 0 for none. Default: chosen.");

    private readonly Option<int?> _checkpointEvery = ValueOption.Number<int>("--checkpoint-every", "Steps between two checkpoints. Default: chosen.");

    /// <summary>All options.</summary>
    public IEnumerable<Option> All =>
    [
        _alpha, _dropout, _rslora, _dora, _epochs, _steps, _batchSize, _microBatch, _learningRate, _schedule, _warmup, _weightDecay, _clip,
        _maxLength, _skipTooLong, _recompute, _seed, _exactMatch, _checkpointEvery,
    ];

    /// <summary>The hyperparameters given.</summary>
    public Hyperparameters Read(ParseResult result) => new()
    {
        Alpha = result.GetValue(_alpha),
        Dropout = result.GetValue(_dropout),
        UseRsLora = result.GetValue(_rslora),
        UseDora = result.GetValue(_dora),
        Epochs = result.GetValue(_epochs),
        Steps = result.GetValue(_steps),
        BatchSize = result.GetValue(_batchSize),
        MicroBatchTokens = result.GetValue(_microBatch),
        LearningRate = result.GetValue(_learningRate),
        Schedule = result.GetValue(_schedule),
        WarmupSteps = result.GetValue(_warmup),
        WeightDecay = result.GetValue(_weightDecay),
        MaxGradientNorm = result.GetValue(_clip),
        MaxSequenceLength = result.GetValue(_maxLength),
        SkipTooLong = result.GetValue(_skipTooLong),
        Recompute = result.GetValue(_recompute),
        Seed = result.GetValue(_seed),
        ExactMatchExamples = result.GetValue(_exactMatch),
        CheckpointEvery = result.GetValue(_checkpointEvery),
    };
}
