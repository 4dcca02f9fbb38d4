using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>
/// The trainings of a study. They differ in rank, placement, data and seed alone: steps, batch size, the order of the examples under a seed and
/// the learning rate are the same for all of them.
/// </summary>
/// <remarks>
/// Alpha is the same for every rank too, so that the scaling is alpha / r: the first steps then change the model by as much at any rank, and
/// one learning rate serves all of them (Hu et al. 2021, section 4.1; Schulman et al. 2025, "LoRA Without Regret"). An alpha that grows with r,
/// such as 2 r, would give high ranks larger steps. With rsLoRA it is alpha / sqrt(r) (Kalajdzievski 2023).
/// </remarks>
internal sealed class RankStudyPlan
{
    /// <summary>Alpha where none is given.</summary>
    public const double DefaultAlpha = 32;

    private const int DefaultGenerated = 200;
    private const double FullLearningRatePart = 0.1;

    private readonly RankStudyRequest _request;
    private readonly TrainingSettings _common;

    private RankStudyPlan(RankStudyRequest request, TrainingPlan common)
    {
        (_request, _common) = (request, common.Settings);
        var available = common.Training.Examples.Count;
        IReadOnlyList<int> sizes = request.DataSizes.Count > 0 ? [.. request.DataSizes.Order()] : [available];
        if (sizes[^1] > available)
            throw new InvalidTrainingException([$"data sizes: expected at most the {available} of {request.Training.TrainingFile}, found {sizes[^1]}"]);

        var folder = new RankStudyFolder(request.Training.Folder);
        var files = sizes.ToDictionary(size => size, size => size == available
            ? request.Training.TrainingFile
            : folder.Beginning(request.Training.TrainingFile, common.Training.Hash, size));
        Trainings =
        [
            .. from target in request.Targets
               from size in sizes
               from rank in request.Ranks.Order()
               from seed in Enumerable.Range(0, request.Seeds)
               select new RankTraining(rank, target, size, seed, Request(files[size], LowRank(rank, target, seed))),
            .. from size in request.IncludesFull ? sizes : []
               from seed in Enumerable.Range(0, request.Seeds)
               select new RankTraining(null, RankTraining.Full, size, seed, Request(files[size], Full(seed))),
        ];
    }

    /// <summary>Every training, full fine-tuning last.</summary>
    public IReadOnlyList<RankTraining> Trainings { get; }

    /// <summary>What they have in common, as text.</summary>
    public IReadOnlyList<string> Rules =>
    [
        $"Every training makes {_common.Steps:N0} steps of {_common.BatchSize} examples. Under one seed, all see the same examples in the same order.",
        $"The learning rate is {_common.LearningRate:G3} for every rank"
            + (_request.IncludesFull ? $" and {FullLearningRate:G3} for full fine-tuning" : "")
            + $", after {_common.WarmupSteps} steps of warm-up: {_common.Schedule.ToString().ToLowerInvariant()}.",
        $"The scaling is {(_common.UseRsLora ? "alpha / sqrt(r)" : "alpha / r")} with alpha = {_common.Alpha:G4} for every rank, so that one learning "
            + "rate serves all of them.",
        "Every training is evaluated once, after its last step: nothing is chosen by the held-out examples.",
    ];

    private double FullLearningRate => _request.FullLearningRate ?? FullLearningRatePart * _common.LearningRate;

    /// <summary>Reads the data once, and checks every setting.</summary>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    public static RankStudyPlan Of(RankStudyRequest request, StudiedModel model, CancellationToken cancellationToken)
    {
        if (RankStudyFaults.Of(request).ToList() is { Count: > 0 } wrong) throw new InvalidTrainingException(wrong);
        var common = model.Prepare(Common(request), cancellationToken);
        var plan = new RankStudyPlan(request, common);
        // Checking one part of the data and one seed is enough.
        var faults = plan.Trainings.Where(training => training.Seed == 0).DistinctBy(training => (training.Rank, training.Target))
            .SelectMany(training => model.FindFaults(training.Request.Hyperparameters, common)).Distinct(StringComparer.Ordinal).ToList();
        return faults.Count > 0 ? throw new InvalidTrainingException(faults) : plan;
    }

    /// <summary>A placement as names of modules, or of a preset.</summary>
    public static IReadOnlyList<string> Modules(string target) =>
        target.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    // Choices for the highest rank, the last placement and all of the data apply to all trainings.
    private static TrainingRequest Common(RankStudyRequest request) => request.Training with
    {
        ValidationFile = request.TestFile ?? request.Training.ValidationFile,
        Hyperparameters = request.Training.Hyperparameters with
        {
            Method = TrainingMethod.Lora,
            Rank = request.Ranks.Max(),
            Alpha = request.Training.Hyperparameters.Alpha ?? DefaultAlpha,
            TargetModules = Modules(request.Targets[^1]),
            ExactMatchExamples = request.Training.Hyperparameters.ExactMatchExamples ?? DefaultGenerated,
        },
    };

    private TrainingRequest Request(string file, Hyperparameters hyperparameters) =>
        Common(_request) with { TrainingFile = file, Hyperparameters = hyperparameters };

    private Hyperparameters LowRank(int rank, string target, int seed) => Common(_request).Hyperparameters with
    {
        Rank = rank,
        TargetModules = Modules(target),
        Epochs = null,
        Steps = _common.Steps,
        BatchSize = _common.BatchSize,
        MicroBatchTokens = _common.MicroBatchTokens,
        LearningRate = _common.LearningRate,
        LearningRateMultiplier = null,
        Schedule = _common.Schedule,
        WarmupSteps = _common.WarmupSteps,
        WeightDecay = _common.WeightDecay,
        MaxGradientNorm = _common.MaxGradientNorm,
        MaxSequenceLength = _common.MaxSequenceLength,
        Seed = _common.Seed + seed,
        EvaluateEvery = _common.Steps,
        EarlyStopping = 0,
    };

    private Hyperparameters Full(int seed) => LowRank(_common.Rank, _request.Targets[^1], seed) with
    {
        Method = TrainingMethod.Full,
        Rank = null,
        Alpha = null,
        Dropout = null,
        UseRsLora = false,
        UseDora = false,
        TargetModules = null,
        LearningRate = FullLearningRate,
    };
}
