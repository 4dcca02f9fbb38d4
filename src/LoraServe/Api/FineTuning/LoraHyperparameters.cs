using System.ComponentModel.DataAnnotations;
using LoraServe.Api.Requests;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Api.FineTuning;

/// <summary>Hyperparameters of LoRA, and finer ones than OpenAI's API knows. Absent or auto: chosen by the server.</summary>
[RequestPart]
public sealed record LoraHyperparameters
{
    /// <summary>r, the rank of the updates.</summary>
    /// <example>8</example>
    [Auto, Range(1, 4096)]
    public int? R { get; init; }

    /// <summary>The updates are scaled by alpha / r, or alpha / sqrt(r) with use_rslora.</summary>
    /// <example>16</example>
    [Auto, Range(0.0, 1e6, MinimumIsExclusive = true)]
    public double? Alpha { get; init; }

    /// <summary>Names of linear modules, or attention, or all-linear.</summary>
    /// <example>all-linear</example>
    [Auto]
    public TargetModuleNames? TargetModules { get; init; }

    /// <summary>Probability with which an input of A is dropped.</summary>
    /// <example>0.05</example>
    [Auto, Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double? Dropout { get; init; }

    /// <summary>Whether the scaling is alpha / sqrt(r).</summary>
    /// <example>false</example>
    [Auto]
    public bool? UseRslora { get; init; }

    /// <summary>Whether magnitudes are trained too (DoRA).</summary>
    /// <example>false</example>
    [Auto]
    public bool? UseDora { get; init; }

    /// <summary>Ranks of single modules by the ends of their paths.</summary>
    /// <example>{"down_proj": 4}</example>
    [Auto]
    public IReadOnlyDictionary<string, int>? RankPattern { get; init; }

    /// <summary>Alphas of single modules by the ends of their paths.</summary>
    /// <example>{"down_proj": 8}</example>
    [Auto]
    public IReadOnlyDictionary<string, double>? AlphaPattern { get; init; }

    /// <summary>Steps of the optimiser; not together with n_epochs.</summary>
    /// <example>500</example>
    [Auto, Range(1, 10_000_000)]
    public int? Steps { get; init; }

    /// <summary>The highest learning rate.</summary>
    /// <example>0.0002</example>
    [Auto, Range(0.0, 10.0, MinimumIsExclusive = true)]
    public double? LearningRate { get; init; }

    /// <summary>cosine, linear or constant: how the learning rate goes on after the warm-up.</summary>
    /// <example>cosine</example>
    [Auto]
    public LearningRateSchedule? Schedule { get; init; }

    /// <summary>Steps in which the learning rate grows from 0.</summary>
    /// <example>20</example>
    [Auto, Range(0, 10_000_000)]
    public int? WarmupSteps { get; init; }

    /// <summary>Decoupled weight decay.</summary>
    /// <example>0.01</example>
    [Auto, Range(0.0, 100.0)]
    public double? WeightDecay { get; init; }

    /// <summary>The gradient is scaled down to this norm; 0 leaves it.</summary>
    /// <example>1</example>
    [Auto, Range(0.0, 1e6)]
    public double? MaxGradNorm { get; init; }

    /// <summary>Most tokens of one example.</summary>
    /// <example>512</example>
    [Auto, Range(2, 1 << 24)]
    public int? MaxSeqLen { get; init; }

    /// <summary>Whether longer examples are left out, instead of being faults.</summary>
    /// <example>false</example>
    [Auto]
    public bool? SkipTooLong { get; init; }

    /// <summary>Most tokens that go through the model at once.</summary>
    /// <example>2048</example>
    [Auto, Range(1, 1 << 24)]
    public int? MicroBatchTokens { get; init; }

    /// <summary>Whether activations are computed again on the way back, which saves memory and costs time.</summary>
    /// <example>false</example>
    [Auto]
    public bool? Recompute { get; init; }

    /// <summary>Steps between two evaluations on the validation data.</summary>
    /// <example>50</example>
    [Auto, Range(1, 10_000_000)]
    public int? EvaluateEvery { get; init; }

    /// <summary>Examples of the validation data that are generated and compared at an evaluation.</summary>
    /// <example>50</example>
    [Auto, Range(0, 1_000_000)]
    public int? ExactMatchExamples { get; init; }

    /// <summary>Evaluations without a better one after which training ends; 0 for never.</summary>
    /// <example>3</example>
    [Auto, Range(0, 1_000_000)]
    public int? EarlyStopping { get; init; }

    /// <summary>Steps between two checkpoints.</summary>
    /// <example>100</example>
    [Auto, Range(1, 10_000_000)]
    public int? CheckpointEvery { get; init; }

    /// <summary>float32 or bfloat16: how the adapter is stored.</summary>
    /// <example>float32</example>
    [Auto, AllowedValues("float32", "bfloat16")]
    public string? OutputDtype { get; init; }

    /// <summary>These and the basic ones, as the engine takes them.</summary>
    internal static Hyperparameters ToEngine(BasicHyperparameters basic, LoraHyperparameters lora, int seed) => new()
    {
        Rank = lora.R,
        Alpha = lora.Alpha,
        Dropout = lora.Dropout,
        UseRsLora = lora.UseRslora ?? false,
        UseDora = lora.UseDora ?? false,
        TargetModules = lora.TargetModules?.Names,
        RankPattern = lora.RankPattern ?? new Dictionary<string, int>(),
        AlphaPattern = lora.AlphaPattern ?? new Dictionary<string, double>(),
        Epochs = basic.NEpochs,
        Steps = lora.Steps,
        BatchSize = basic.BatchSize,
        MicroBatchTokens = lora.MicroBatchTokens,
        LearningRate = lora.LearningRate,
        LearningRateMultiplier = basic.LearningRateMultiplier,
        Schedule = lora.Schedule,
        WarmupSteps = lora.WarmupSteps,
        WeightDecay = lora.WeightDecay,
        MaxGradientNorm = lora.MaxGradNorm,
        MaxSequenceLength = lora.MaxSeqLen,
        SkipTooLong = lora.SkipTooLong ?? false,
        Recompute = lora.Recompute ?? false,
        Seed = seed,
        EvaluateEvery = lora.EvaluateEvery,
        ExactMatchExamples = lora.ExactMatchExamples,
        EarlyStopping = lora.EarlyStopping,
        CheckpointEvery = lora.CheckpointEvery,
        OutputDtype = lora.OutputDtype,
    };

    /// <summary>What the engine has chosen where these say nothing.</summary>
    internal LoraHyperparameters With(TrainingSettings settings) => this with
    {
        R = settings.Rank,
        Alpha = settings.Alpha,
        Dropout = settings.Dropout,
        UseRslora = settings.UseRsLora,
        UseDora = settings.UseDora,
        TargetModules = new TargetModuleNames(settings.TargetModules),
        RankPattern = settings.RankPattern,
        AlphaPattern = settings.AlphaPattern,
        Steps = settings.Steps,
        MicroBatchTokens = settings.MicroBatchTokens,
        LearningRate = settings.LearningRate,
        Schedule = settings.Schedule,
        WarmupSteps = settings.WarmupSteps,
        WeightDecay = settings.WeightDecay,
        MaxGradNorm = settings.MaxGradientNorm,
        MaxSeqLen = settings.MaxSequenceLength,
        SkipTooLong = SkipTooLong ?? false,
        Recompute = settings.Recompute,
        EvaluateEvery = settings.EvaluateEvery,
        ExactMatchExamples = settings.ExactMatchExamples,
        EarlyStopping = settings.EarlyStopping,
        CheckpointEvery = settings.CheckpointEvery,
        OutputDtype = settings.OutputDtype,
    };
}
