using LoraServe.Api.FineTuning;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Training;

/// <summary>A training as it is stored: what was asked for, and what was settled when it was taken in.</summary>
internal sealed record FineTuningOrder
{
    /// <summary>What was asked for.</summary>
    public required FineTuningRequest Request { get; init; }

    /// <summary>Fingerprint of the base that the request names.</summary>
    public required string BaseFingerprint { get; init; }

    /// <summary>The name of what is trained.</summary>
    public required string Adapter { get; init; }

    /// <summary>The one that was asked for, or that of every training that names none.</summary>
    public required int Seed { get; init; }

    /// <summary>What the owner calls the files, for messages.</summary>
    public required string TrainingFileName { get; init; }

    public required string? ValidationFileName { get; init; }

    /// <summary>The basic hyperparameters of the method, or of their older place.</summary>
    public BasicHyperparameters Basic()
    {
        var (method, older) = (Request.Method?.Supervised?.Hyperparameters, Request.Hyperparameters);
        return new BasicHyperparameters
        {
            BatchSize = method?.BatchSize ?? older?.BatchSize,
            LearningRateMultiplier = method?.LearningRateMultiplier ?? older?.LearningRateMultiplier,
            NEpochs = method?.NEpochs ?? (Lora().Steps is null ? older?.NEpochs : null),
        };
    }

    /// <summary>The finer hyperparameters.</summary>
    public LoraHyperparameters Lora() => Request.Method?.Supervised?.Hyperparameters?.Lora ?? new LoraHyperparameters();

    /// <summary>The training, in the folder of its job, which holds its files.</summary>
    public TrainingRequest ToEngine(string folder) => new()
    {
        TrainingFile = TrainingFiles.Training(folder),
        ValidationFile = ValidationFileName is null ? null : TrainingFiles.Validation(folder),
        ValidationSplit = Request.ValidationSplit ?? 0,
        Hyperparameters = LoraHyperparameters.ToEngine(Basic(), Lora(), Seed),
        Folder = TrainingFiles.Run(folder),
    };
}

/// <summary>Where things are in the folder of a job.</summary>
internal static class TrainingFiles
{
    public static string Training(string folder) => Path.Combine(folder, "training.jsonl");

    public static string Validation(string folder) => Path.Combine(folder, "validation.jsonl");

    public static string Run(string folder) => Path.Combine(folder, "run");

    /// <summary>Deletes all but the checkpoints and the result.</summary>
    public static void Tidy(string folder)
    {
        if (!Directory.Exists(folder)) return;
        File.Delete(Training(folder));
        File.Delete(Validation(folder));
        if (!Directory.Exists(Run(folder))) return;
        foreach (var state in Directory.EnumerateFiles(Run(folder), "state-*")) File.Delete(state);
    }
}
