using System.Text.Json;
using LoraServe.Api;
using LoraServe.Api.Adapters;
using LoraServe.Api.FineTuning;
using LoraServe.Api.Requests;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Settings;
using LoraServe.Files;
using LoraServe.Jobs;
using LoraServe.Keys;
using LoraServe.Storage;

namespace LoraServe.Training;

/// <summary>Accepts trainings: refuses at once what can be checked at once; the job checks the rest.</summary>
internal sealed class FineTuningOrders(LlmEngine engine, LoraTrainer trainer, FileStore files, JobFolders folders, JobQueue queue, StorageQuota quota)
{
    private const int SuffixOfId = 12;

    /// <exception cref="InvalidRequestException">
    /// With every fault: a file does not exist, or hyperparameters are invalid for any data.
    /// </exception>
    /// <exception cref="JobQueueFullException">Too many jobs are waiting.</exception>
    /// <exception cref="UnknownBaseException">The model is not the base.</exception>
    /// <exception cref="PermissionException">The caller may not use the adapter's name, or may not store more.</exception>
    public async Task<StoredJob> SubmitAsync(Caller caller, FineTuningRequest request, CancellationToken cancellationToken)
    {
        if (request.Model != engine.Model.Name) throw new UnknownBaseException(request.Model!, engine.Model.Name);
        var id = $"ftjob-{RandomId.New()}";
        var adapter = FineTuningRequestReader.Name(engine.Model.Name, request.Suffix ?? SuffixFrom(id));
        AdaptersApi.CheckName(engine.Model, adapter, "suffix");
        caller.Access.CheckTarget(adapter);
        quota.Check(caller, adapter, bytes: 0);

        var faults = new RequestFaults();
        var training = JobInputs.Find(files, caller, "training_file", request.TrainingFile!, faults);
        var validation = request.ValidationFile is { } file ? JobInputs.Find(files, caller, "validation_file", file, faults) : null;
        faults.ThrowIfAny();

        var order = new FineTuningOrder
        {
            Request = request,
            BaseFingerprint = engine.Model.Fingerprint,
            Adapter = adapter,
            Seed = request.Seed ?? Hyperparameters.DefaultSeed,
            TrainingFileName = training!.Name,
            ValidationFileName = validation?.Name,
        };
        var hasValidation = validation is not null || request.ValidationSplit > 0;
        var hyperparameters = order.ToEngine(folders.Of(id)).Hyperparameters;
        faults.AddRange(trainer.FindFaults(hyperparameters, hasValidation).Select(HyperparameterNames.Fault));
        faults.ThrowIfAny();
        queue.CheckRoom(FineTuner.Kind, caller);
        (StoredFile File, Func<string, string> Path)[] inputs = [(training, TrainingFiles.Training)];
        await folders.CreateAsync(id, validation is null ? inputs : [.. inputs, (validation, TrainingFiles.Validation)], cancellationToken);
        var json = JsonSerializer.Serialize(order, ApiJson.Options);
        return queue.Submit(id, FineTuner.Kind, caller, json, $"Created fine-tuning job: {id}");
    }

    // Starts with a letter, since a name cannot end with a number part.
    private static string SuffixFrom(string id) => $"j{id[^SuffixOfId..]}";
}
