using System.Text.RegularExpressions;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Peft;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Settings;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Planning;

/// <summary>Turns a request into a plan, or reports every fault. Computes nothing.</summary>
/// <param name="engine">Whose model is trained.</param>
internal sealed class TrainingPreparation(LlmEngine engine)
{
    private readonly ModelConfig _config = engine.BaseModel.Config;
    private readonly ModelModules _modules = engine.BaseModel.Config.Modules(engine.Model.Name);

    // For all patterns of a request.
    private readonly MatchingTime _time = new();

    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public TrainingPlan Prepare(TrainingRequest request, CancellationToken cancellationToken)
    {
        var asked = request.Hyperparameters;
        var faults = new FaultList(found => new InvalidTrainingException(found));
        Check(request, faults);
        var files = new DatasetFiles(engine);
        var read = files.Read(request.TrainingFile, asked, faults, cancellationToken);
        var validation = request.ValidationFile is null ? null : files.Read(request.ValidationFile, asked, faults, cancellationToken);
        if (!faults.Any && request.ValidationSplit > 0)
            (read, validation) = ValidationSplit.Of(read!, request.ValidationSplit, asked.Seed ?? Hyperparameters.DefaultSeed, faults);
        faults.ThrowIfAny();
        var training = read!;

        var choice = new SettingsChoice(asked, _config, _modules);
        var (settings, memory) = Choose(choice, training, validation);
        CheckChosen(settings, faults);
        CheckMemory(memory, training, validation, faults);
        // Found now, rather than at the first evaluation after hours of training.
        if (validation is not null) faults.AddRange(ExampleCompletion.FindFaults(engine, validation, settings.ExactMatchExamples));
        faults.ThrowIfAny();
        return new TrainingPlan
        {
            Request = request,
            Settings = settings,
            Choices = [.. choice.Reasons, .. Remarks(training, validation, request)],
            Training = training,
            Validation = validation,
            TrainedParameters = memory.Parameters,
            MemoryBytes = memory.Of(training, validation),
        };
    }

    /// <summary>Faults of hyperparameters that do not depend on data.</summary>
    public IReadOnlyList<string> FindFaults(Hyperparameters hyperparameters, bool hasValidation)
    {
        var faults = new FaultList(null);
        Check(hyperparameters, hasValidation, faults);
        return faults.Kept;
    }

    /// <summary>Faults of hyperparameters on data that has been read.</summary>
    public IReadOnlyList<string> FindFaults(Hyperparameters hyperparameters, TrainingDataset training, TrainingDataset? validation)
    {
        var faults = new FaultList(null);
        Check(hyperparameters, validation is not null, faults);
        if (faults.Any) return faults.Kept;
        var (_, memory) = Choose(new SettingsChoice(hyperparameters, _config, _modules), training, validation);
        CheckMemory(memory, training, validation, faults);
        return faults.Kept;
    }

    private void Check(Hyperparameters hyperparameters, bool hasValidation, FaultList faults)
    {
        new HyperparameterFaults(faults).Check(hyperparameters, engine.Model.MaxModelLen, hasValidation);
        new AdaptationFaults(_modules, engine.MaxLoraRank, _time, faults).Check(hyperparameters);
    }

    private void Check(TrainingRequest request, FaultList faults)
    {
        if (string.IsNullOrWhiteSpace(request.Folder)) faults.Add("folder: name one for checkpoints and the result");
        else if (File.Exists(request.Folder)) faults.Add($"folder: {request.Folder} is a file");
        if (!(request.ValidationSplit is >= 0 and < 1))
            faults.Add($"validation_split: expected a number from 0 to below 1, found {request.ValidationSplit}");
        else if (request is { ValidationSplit: > 0, ValidationFile: not null })
            faults.Add("validation_split: a validation file is given too, only one of the two can be");
        var hasValidation = request.ValidationFile is not null || request.ValidationSplit > 0;
        Check(request.Hyperparameters, hasValidation, faults);
    }

    private static IEnumerable<string> Remarks(TrainingDataset training, TrainingDataset? validation, TrainingRequest request)
    {
        if (validation is null)
            yield return "no validation data: nothing tells how well examples are answered that were not trained on; hold out a part to see";
        else if (request.ValidationFile is not null && validation.Hash == training.Hash)
            yield return "the validation data is the training data: it does not tell how well examples are answered that were not trained on";
    }

    private static void CheckChosen(TrainingSettings settings, FaultList faults)
    {
        if (settings.WarmupSteps > 0 && settings.WarmupSteps >= settings.Steps)
            faults.Add($"warmup_steps: expected fewer than the {settings.Steps} steps, found {settings.WarmupSteps}");
        if (settings.LearningRate > 1) faults.Add($"learning_rate: {settings.LearningRate} with its multiplier, at most 1 is possible");
        if (settings.LearningRate < float.Epsilon) faults.Add($"learning_rate: {settings.LearningRate} with its multiplier is 0 in float32");
    }

    // The memory of a training is reported for settings that fit.
    private (TrainingSettings Settings, TrainingMemory Memory) Choose(SettingsChoice choice, TrainingDataset training, TrainingDataset? validation)
    {
        var settings = choice.Choose(
            training.Examples.Count, validation?.Examples.Count ?? 0, engine.Model.MaxModelLen, engine.MaxLoraRank, engine.Model.Dtype);
        var ranks = Ranks(settings);
        var most = new TrainingMemory(engine, settings, ranks).MostTokens(training, validation, engine.TrainingMemory);
        var within = choice.WithinMemory(settings, most);
        return (within, new TrainingMemory(engine, within, ranks));
    }

    private ModuleRanks Ranks(TrainingSettings settings)
    {
        try
        {
            return new ModuleRanks(_modules, settings, _time);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new InvalidTrainingException(["rank_pattern: its regular expressions take too long to match"]);
        }
    }

    private void CheckMemory(TrainingMemory memory, TrainingDataset training, TrainingDataset? validation, FaultList faults)
    {
        if (memory.FindFault(training, validation, engine.TrainingMemory) is { } fault) faults.Add(fault);
    }
}
