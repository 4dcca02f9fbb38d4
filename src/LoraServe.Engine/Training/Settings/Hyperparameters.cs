namespace LoraServe.Engine.Training.Settings;

/// <summary>How to train, as requested. Null means: chosen by <see cref="TrainingSettings"/>, which says what.</summary>
public sealed record Hyperparameters
{
    /// <summary>The default seed: always the same, so that trainings are reproducible.</summary>
    public const int DefaultSeed = 42;

    /// <summary>What is trained.</summary>
    public TrainingMethod Method { get; init; }

    /// <summary>r, the rank of the updates.</summary>
    public int? Rank { get; init; }

    /// <summary>alpha; the scaling is alpha / r, or alpha / sqrt(r) with rsLoRA.</summary>
    public double? Alpha { get; init; }

    /// <summary>Dropout probability of A's input, from 0 to below 1.</summary>
    public double? Dropout { get; init; }

    /// <summary>Whether the scaling is alpha / sqrt(r) (Kalajdzievski 2023).</summary>
    public bool UseRsLora { get; init; }

    /// <summary>Whether DoRA's magnitudes are trained (Liu et al. 2024).</summary>
    public bool UseDora { get; init; }

    /// <summary>Names of linear modules such as q_proj, or the one name of a preset: attention, all-linear.</summary>
    public IReadOnlyList<string>? TargetModules { get; init; }

    /// <summary>Ranks of single modules by the end of their paths, as PEFT's rank_pattern.</summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>();

    /// <summary>Alphas of single modules by the end of their paths, as PEFT's alpha_pattern.</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init; } = new Dictionary<string, double>();

    /// <summary>Passes over the data; not together with <see cref="Steps"/>.</summary>
    public int? Epochs { get; init; }

    /// <summary>Steps of the optimiser.</summary>
    public int? Steps { get; init; }

    /// <summary>Examples of one step.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Maximum tokens per pass; a step's gradient is accumulated over as many passes as needed.</summary>
    public int? MicroBatchTokens { get; init; }

    /// <summary>The peak learning rate, after warm-up.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Multiplies the given or chosen learning rate.</summary>
    public double? LearningRateMultiplier { get; init; }

    /// <summary>The course of the learning rate after warm-up.</summary>
    public LearningRateSchedule? Schedule { get; init; }

    /// <summary>Warm-up steps, in which the learning rate grows from 0.</summary>
    public int? WarmupSteps { get; init; }

    /// <summary>Decoupled weight decay (Loshchilov and Hutter 2019).</summary>
    public double? WeightDecay { get; init; }

    /// <summary>The gradient is scaled down to this norm; 0 leaves it.</summary>
    public double? MaxGradientNorm { get; init; }

    /// <summary>Maximum tokens of an example. Longer ones are faults unless <see cref="SkipTooLong"/>.</summary>
    public int? MaxSequenceLength { get; init; }

    /// <summary>Whether examples that are too long are skipped and reported instead of being faults.</summary>
    public bool SkipTooLong { get; init; }

    /// <summary>Whether activations inside a layer are computed again in the backward pass instead of being kept (Chen et al. 2016).</summary>
    public bool Recompute { get; init; }

    /// <summary>Decides the initial A, the order of the examples and dropout.</summary>
    public long? Seed { get; init; }

    /// <summary>Steps between two evaluations on the validation data.</summary>
    public int? EvaluateEvery { get; init; }

    /// <summary>Examples of the validation data that are generated and compared at an evaluation; 0 for none.</summary>
    public int? ExactMatchExamples { get; init; }

    /// <summary>Evaluations without improvement after which training ends; 0 for never.</summary>
    public int? EarlyStopping { get; init; }

    /// <summary>Steps between two checkpoints.</summary>
    public int? CheckpointEvery { get; init; }

    /// <summary>float32 or bfloat16: how the adapter is stored.</summary>
    public string? OutputDtype { get; init; }
}
