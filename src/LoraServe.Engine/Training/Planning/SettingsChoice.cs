using System.Globalization;
using System.Numerics;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Settings;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Planning;

/// <summary>Chooses the hyperparameters left open, from the model and the data, and says why.</summary>
/// <param name="asked">Checked as far as possible without the data.</param>
/// <param name="config">Of the base model.</param>
/// <param name="modules">Of the base model.</param>
internal sealed class SettingsChoice(Hyperparameters asked, ModelConfig config, ModelModules modules)
{
    // From this many examples on, small ranks are assumed to be too small for the task: a rule of thumb, not measured.
    private const int ManyExamples = 2000;

    // Requests may have to wait for one layer of a pass: this many multiplications take some ten milliseconds on two cores.
    private const long MostMultiplications = 1L << 31;
    private const int LeastMicroBatchTokens = 128;
    private const int MostMicroBatchTokens = 1024;
    private const double UsualWeightDecay = 0.01;

    private readonly List<string> _reasons = [];

    /// <summary>One sentence per choice.</summary>
    public IReadOnlyList<string> Reasons => _reasons;

    /// <summary>Hyperparameters with nothing left open.</summary>
    /// <param name="examples">Number of examples to train on.</param>
    /// <param name="heldOut">Number of held-out examples; 0 for none.</param>
    /// <param name="maxModelLen">Maximum tokens of a sequence.</param>
    /// <param name="maxRank">The highest rank served.</param>
    /// <param name="dtype">The engine's.</param>
    public TrainingSettings Choose(int examples, int heldOut, int maxModelLen, int maxRank, string dtype)
    {
        var isFull = asked.Method == TrainingMethod.Full;
        var targets = isFull ? [] : Targets();
        var rank = isFull ? 0 : Rank(targets, examples, maxRank);
        var batchSize = BatchSize(examples);
        var steps = Steps(examples, batchSize);
        return new TrainingSettings
        {
            Method = asked.Method,
            Rank = rank,
            Alpha = isFull ? 0 : Alpha(rank),
            Dropout = asked.Dropout ?? 0,
            UseRsLora = asked.UseRsLora,
            UseDora = asked.UseDora,
            TargetModules = targets,
            RankPattern = asked.RankPattern,
            AlphaPattern = asked.AlphaPattern,
            Steps = steps,
            BatchSize = batchSize,
            MicroBatchTokens = asked.MicroBatchTokens ?? MicroBatchTokens(),
            LearningRate = LearningRate(isFull),
            Schedule = asked.Schedule ?? Chosen(LearningRateSchedule.Cosine, "schedule cosine: ends with small steps"),
            WarmupSteps = asked.WarmupSteps ?? Warmup(steps),
            WeightDecay = asked.WeightDecay ?? Chosen(UsualWeightDecay, $"weight_decay {UsualWeightDecay}: the usual one"),
            MaxGradientNorm = asked.MaxGradientNorm ?? Chosen(1.0, "max_gradient_norm 1: keeps single examples from undoing the others"),
            MaxSequenceLength = asked.MaxSequenceLength ?? Chosen(maxModelLen, $"max_sequence_length {maxModelLen}: the context that is served"),
            Recompute = asked.Recompute,
            Seed = asked.Seed ?? Chosen(Hyperparameters.DefaultSeed, $"seed {Hyperparameters.DefaultSeed}: any will do"),
            EvaluateEvery = heldOut > 0 ? asked.EvaluateEvery ?? EvaluateEvery(steps) : steps,
            ExactMatchExamples = heldOut > 0 ? ExactMatch(heldOut) : 0,
            EarlyStopping = heldOut > 0 ? asked.EarlyStopping ?? Chosen(4, "early_stopping 4: ends after four evaluations without a better one") : 0,
            CheckpointEvery = asked.CheckpointEvery ?? CheckpointEvery(steps, isFull),
            OutputDtype = asked.OutputDtype ?? OutputDtype(isFull, dtype),
        };
    }

    /// <summary>Settings with the largest passes that memory allows, if their size was left open.</summary>
    /// <param name="settings">Of <see cref="Choose"/>.</param>
    /// <param name="most">The largest micro_batch_tokens that fits into memory; 0 if none fits.</param>
    public TrainingSettings WithinMemory(TrainingSettings settings, int most)
    {
        if (asked.MicroBatchTokens is not null || most == 0 || most >= settings.MicroBatchTokens) return settings;
        _reasons.RemoveAll(reason => reason.StartsWith("micro_batch_tokens ", StringComparison.Ordinal));
        return settings with { MicroBatchTokens = Chosen(most, $"micro_batch_tokens {most}: as many as training-memory has room for") };
    }

    private IReadOnlyList<string> Targets() => asked.TargetModules is null
        ? Chosen(TargetNames.All, "target_modules all-linear: attention and feed-forward, which learns more than attention alone")
        : TargetNames.Resolve(asked.TargetModules, new FaultList(refuse: null));

    private int Rank(IReadOnlyList<string> targets, int examples, int maxRank)
    {
        if (asked.Rank is { } given) return given;
        var (usual, why) = examples < ManyExamples ? (8, "fewer") : (16, "more");
        var most = TargetNames.Select(modules, targets).Min(linear => Math.Min(linear.InFeatures, linear.OutFeatures));
        var rank = Math.Min(usual, Math.Min(most, maxRank));
        return Chosen(rank, rank < usual
            ? $"r {rank}: the highest that the modules and the server allow"
            : $"r {rank}: usual for {examples} examples, {why} than {ManyExamples}");
    }

    private double Alpha(int rank) => asked.Alpha ?? (asked.UseRsLora
        ? Chosen((double)rank, $"alpha {rank}: as much as r, since rsLoRA divides by its root")
        : Chosen(2.0 * rank, $"alpha {2 * rank}: twice r"));

    private int BatchSize(int examples)
    {
        if (asked.BatchSize is { } given)
        {
            return given <= examples ? given : Chosen(examples, $"batch_size {examples}: there are no more examples, {given} were asked for");
        }

        var size = Math.Min(examples, examples switch { < 64 => 4, < 1000 => 8, _ => 16 });
        return Chosen(size, $"batch_size {size}: by the {examples} examples");
    }

    private int MicroBatchTokens()
    {
        var layer = modules.Linears.Where(linear => linear.Path != modules.Head).Sum(linear => (long)linear.InFeatures * linear.OutFeatures)
            / config.LayerCount;
        var tokens = Math.Clamp(MostMultiplications / Math.Max(layer, 1), LeastMicroBatchTokens, MostMicroBatchTokens);
        var rounded = (int)(BitOperations.RoundUpToPowerOf2((ulong)tokens + 1) / 2);
        return Chosen(rounded, $"micro_batch_tokens {rounded}: requests wait for a layer's pass over no more");
    }

    private int Steps(int examples, int batchSize)
    {
        if (asked.Steps is { } given) return given;
        var perEpoch = TrainingBatches.Steps(examples, batchSize);
        var epochs = asked.Epochs ?? examples switch { < 100 => 10, < 1000 => 5, < 20_000 => 3, _ => 1 };
        var steps = (int)Math.Min((long)epochs * perEpoch, int.MaxValue);
        return Chosen(steps, asked.Epochs is null
            ? $"epochs {epochs}: by the {examples} examples, which makes {steps} steps"
            : $"steps {steps}: {epochs} epochs of {perEpoch} steps");
    }

    // Narrow models train best with larger learning rates.
    private double LearningRate(bool isFull)
    {
        var multiplier = asked.LearningRateMultiplier ?? 1;
        if (asked.LearningRate is { } given) return given * multiplier;
        var usual = config.HiddenSize switch { < 512 => 2e-3, < 1024 => 1e-3, < 2048 => 5e-4, _ => 2e-4 };
        if (isFull) usual /= 10;
        var rate = usual * multiplier;
        var text = rate.ToString("G4", CultureInfo.InvariantCulture);
        var trained = isFull ? "every weight is" : "adapters are";
        return Chosen(rate, $"learning_rate {text}: usual for a model of width {config.HiddenSize} where {trained} trained"
            + (asked.LearningRateMultiplier is null ? "" : $", times {multiplier}"));
    }

    private int Warmup(int steps)
    {
        var warmup = Math.Clamp(steps / 20, steps >= 10 ? 1 : 0, 100);
        return Chosen(warmup, $"warmup_steps {warmup}: a twentieth of the {steps} steps, at most 100");
    }

    private int EvaluateEvery(int steps)
    {
        var every = Math.Max(1, steps / 10);
        return Chosen(every, $"evaluate_every {every}: ten times in all");
    }

    private int ExactMatch(int heldOut)
    {
        if (asked.ExactMatchExamples is { } given) return Math.Min(given, heldOut);
        var count = Math.Min(50, heldOut);
        return Chosen(count, $"exact_match_examples {count}: of the {heldOut} examples held out");
    }

    private int CheckpointEvery(int steps, bool isFull)
    {
        var every = Math.Clamp(steps / 10, 1, isFull ? 500 : 50);
        return Chosen(every, $"checkpoint_every {every}: what a kill can cost at most");
    }

    private string OutputDtype(bool isFull, string dtype) => isFull
        ? Chosen(dtype, $"output_dtype {dtype}: as the model is served")
        : Chosen("float32", "output_dtype float32: as it is trained");

    private T Chosen<T>(T value, string reason)
    {
        _reasons.Add(reason);
        return value;
    }
}
