using LoraServe.Api.FineTuning;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Training;

/// <summary>A training's request as stored, with what was settled when it was accepted.</summary>
internal sealed record FineTuningOrder
{
    /// <summary>The request.</summary>
    public required FineTuningRequest Request { get; init; }

    /// <summary>Fingerprint of the base that the request names.</summary>
    public required string BaseFingerprint { get; init; }

    /// <summary>The name of the trained adapter.</summary>
    public required string Adapter { get; init; }

    /// <summary>The requested seed, or the default one.</summary>
    public required int Seed { get; init; }

    /// <summary>The owner's names of the files, for messages.</summary>
    public required string TrainingFileName { get; init; }

    public required string? ValidationFileName { get; init; }

    /// <summary>The basic hyperparameters, from the method or from their older place in the request.</summary>
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

    /// <summary>LoRA's hyperparameters.</summary>
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

/// <summary>The layout of a job's folder.</summary>
internal static class TrainingFiles
{
    public static string Training(string folder) => Path.Combine(folder, "training.jsonl");

    public static string Validation(string folder) => Path.Combine(folder, "validation.jsonl");

    public static string Run(string folder) => Path.Combine(folder, "run");

    /// <summary>Deletes everything but the checkpoints and the result.</summary>
    public static void Tidy(string folder)
    {
        if (!Directory.Exists(folder)) return;
        File.Delete(Training(folder));
        File.Delete(Validation(folder));
        if (!Directory.Exists(Run(folder))) return;
        foreach (var state in Directory.EnumerateFiles(Run(folder), "state-*")) File.Delete(state);
    }
}
