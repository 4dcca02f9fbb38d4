using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Ranks;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Tests.Training.Ranks;

/// <summary>Fake trainings that take no time and return figures computed from the rank.</summary>
internal sealed class FakeTraining(int examples)
{
    /// <summary>The plans that were trained, in order.</summary>
    public List<TrainingPlan> Made { get; } = [];

    /// <summary>Folders that spectra were read from.</summary>
    public List<IReadOnlyList<string>> Read { get; } = [];

    /// <summary>Number of the training that is killed, from 1; 0 for none.</summary>
    public int KilledAt { get; set; }

    /// <summary>The ranks that diverge.</summary>
    public Predicate<int> Diverges { get; set; } = _ => false;

    /// <summary>How often data was read.</summary>
    public int Prepared { get; private set; }

    public StudiedModel Model => new()
    {
        Fingerprint = "base",
        Parameters = 1_000_000,
        Prepare = (request, _) => Prepare(request),
        FindFaults = (asked, _) => FindFaults(asked),
        TrainAsync = TrainAsync,
        ReadSpectrum = (folders, rank, target) =>
        {
            foreach (var folder in folders)
                if (!Directory.Exists(folder)) throw new DirectoryNotFoundException(folder);
            Read.Add(folders);
            return new RankSpectrum(rank, target, [new ModuleSpectrum("q_proj", 8, [1, 0.5], 1.9, [])]);
        },
    };

    private TrainingPlan Prepare(TrainingRequest request)
    {
        var h = request.Hyperparameters;
        Prepared++;
        if (FindFaults(h) is { Count: > 0 } faults) throw new InvalidTrainingException(faults);
        return new TrainingPlan
        {
            Request = request,
            Choices = [],
            Training = Data(request.TrainingFile, File.Exists(request.TrainingFile) ? File.ReadLines(request.TrainingFile).Count() : examples),
            Validation = Data(request.ValidationFile!, 5),
            TrainedParameters = 1000 * (h.Rank ?? 1000),
            Settings = new TrainingSettings
            {
                Method = h.Method,
                Rank = h.Rank ?? 8,
                Alpha = h.Alpha ?? 16,
                Dropout = 0,
                UseRsLora = h.UseRsLora,
                UseDora = false,
                TargetModules = h.TargetModules ?? [],
                RankPattern = h.RankPattern,
                AlphaPattern = h.AlphaPattern,
                Steps = h.Steps ?? 10 * h.Rank!.Value,
                BatchSize = 4,
                MicroBatchTokens = 100,
                LearningRate = h.LearningRate ?? 0.001,
                Schedule = LearningRateSchedule.Cosine,
                WarmupSteps = 2,
                WeightDecay = 0,
                MaxGradientNorm = 1,
                MaxSequenceLength = 100,
                Recompute = false,
                Seed = h.Seed ?? 7,
                EvaluateEvery = h.EvaluateEvery ?? 1,
                ExactMatchExamples = h.ExactMatchExamples ?? 0,
                EarlyStopping = h.EarlyStopping ?? 3,
                CheckpointEvery = 5,
                OutputDtype = "float32",
            },
        };
    }

    private static IReadOnlyList<string> FindFaults(Hyperparameters asked) =>
        asked is { Rank: > 64 } or { Rank: 13 } ? [$"rank: expected at most 64 and not 13, found {asked.Rank}"] : [];

    private async Task<TrainingResult> TrainAsync(TrainingPlan plan, IProgress<TrainingEvent> progress, CancellationToken cancellationToken)
    {
        Made.Add(plan);
        if (Made.Count == KilledAt) throw new OperationCanceledException("killed");
        var folder = Path.Combine(plan.Request.Folder, "adapter");
        Directory.CreateDirectory(folder);
        if (Diverges(plan.Settings.Rank)) throw new TrainingFailedException("In step 1, the loss is NaN.") { HasDiverged = true };
        await File.WriteAllBytesAsync(Path.Combine(folder, "adapter_model.safetensors"), new byte[100 * plan.Settings.Rank], cancellationToken);
        var match = plan.Settings.Method == TrainingMethod.Full ? 0.9 : 0.9 - (0.5 / plan.Settings.Rank) + (0.01 * (plan.Settings.Seed - 7));
        return new TrainingResult
        {
            Folder = folder,
            Steps = plan.Settings.Steps,
            BestStep = plan.Settings.Steps,
            TrainingLoss = 0.1,
            Validation = new EvaluationFigures(1 - match, 0.9, match, 5, 5),
            Tokens = 1000,
            Elapsed = TimeSpan.FromSeconds(2),
        };
    }

    private static TrainingDataset Data(string name, int count) => new()
    {
        Examples = [.. Enumerable.Range(1, count).Select(line => new TrainingExample(line, [1, 2], [false, true]) { Prompt = [1], Completion = "b" })],
        Hash = Path.GetFileName(name) + "0123456789",
        Warnings = [],
    };
}
