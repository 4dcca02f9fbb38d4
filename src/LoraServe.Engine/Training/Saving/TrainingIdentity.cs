using System.Text.Json;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Saving;

/// <summary>What decides the result of a training: only a training of the same identity may resume from a state.</summary>
internal sealed record TrainingIdentity
{
    /// <summary>Checksum of the base's weights in the dtype that they are loaded in, on which the figures depend.</summary>
    public required string Base { get; init; }

    /// <summary>Hash of the training data.</summary>
    public required string Data { get; init; }

    /// <summary>Hash of the validation file; null if there is none.</summary>
    public required string? Validation { get; init; }

    /// <summary>Part of the training data that is held out.</summary>
    public required double ValidationSplit { get; init; }

    /// <summary>Number of training examples, which changes when too long ones are skipped.</summary>
    public required int Examples { get; init; }

    /// <summary>Everything else.</summary>
    public required TrainingSettings Settings { get; init; }

    /// <param name="plan">The training.</param>
    /// <param name="baseChecksum">Of the base's weights in memory.</param>
    public static TrainingIdentity Of(TrainingPlan plan, string baseChecksum) => new()
    {
        Base = baseChecksum,
        Data = plan.Training.Hash,
        Validation = plan.Request.ValidationFile is null ? null : plan.Validation?.Hash,
        ValidationSplit = plan.Request.ValidationSplit,
        Examples = plan.Training.Examples.Count,
        Settings = plan.Settings,
    };

    /// <summary>The differences between two trainings, "rank: 8 there, 16 here" each; empty for the same training.</summary>
    /// <param name="here">The training that wants to resume.</param>
    public IReadOnlyList<string> Differences(TrainingIdentity here)
    {
        var (then, now) = (Fields(this), Fields(here));
        return [.. now.Where(field => then.GetValueOrDefault(field.Key) != field.Value)
            .Select(field => $"{field.Key}: {then.GetValueOrDefault(field.Key)} there, {field.Value} here")];
    }

    private static Dictionary<string, string> Fields(TrainingIdentity identity)
    {
        var json = JsonSerializer.SerializeToElement(identity);
        var settings = json.GetProperty(nameof(Settings));
        return json.EnumerateObject().Where(field => field.Name != nameof(Settings)).Concat(settings.EnumerateObject())
            // Neither the checkpoint interval nor the maximum length changes the result: no example is truncated.
            .Where(field => field.Name is not (nameof(TrainingSettings.CheckpointEvery) or nameof(TrainingSettings.MaxSequenceLength)))
            .ToDictionary(
                field => JsonNamingPolicy.SnakeCaseLower.ConvertName(field.Name), field => field.Value.GetRawText(), StringComparer.Ordinal);
    }
}
