using System.Text.RegularExpressions;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Models;
using LoraServe.Engine.Peft;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Runs;
using LoraServe.Engine.Training.Saving;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Planning;

/// <summary>Makes a plan of a request, or says everything that is wrong with it. Touches no tensor.</summary>
/// <param name="engine">Whose model is trained.</param>
internal sealed class TrainingPreparation(LlmEngine engine)
{
    // A shuffle of its own, so that the split has nothing to do with the order of the epochs.
    private const int SplitShuffle = -1;

    private readonly ModelConfig _config = engine.BaseModel.Config;
    private readonly ModelModules _modules = engine.BaseModel.Config.Modules(engine.Model.Name);

    // Of all patterns of a request.
    private readonly MatchingTime _time = new();

    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public TrainingPlan Prepare(TrainingRequest request, CancellationToken cancellationToken)
    {
        var asked = request.Hyperparameters;
        var faults = new FaultList(found => new InvalidTrainingException(found));
        Check(request, faults);
        // A wrong length would make faults of good examples.
        var longest = asked.MaxSequenceLength is { } length && length >= 2 && length <= engine.Model.MaxModelLen ? length : engine.Model.MaxModelLen;
        var read = Read(request.TrainingFile, longest, asked.SkipTooLong, faults, cancellationToken);
        var validation = request.ValidationFile is null
            ? null
            : Read(request.ValidationFile, longest, asked.SkipTooLong, faults, cancellationToken);
        if (!faults.Any && request.ValidationSplit > 0) (read, validation) = Split(read!, request, faults);
        faults.ThrowIfAny();
        var training = read!;

        var choice = new SettingsChoice(asked, _config, _modules);
        var (settings, ranks) = Choose(choice, training, validation);
        CheckChosen(settings, faults);
        CheckMemory(settings, ranks, training, validation, faults);
        if (validation is not null) CheckGenerated(validation, settings.ExactMatchExamples, faults);
        faults.ThrowIfAny();
        var plan = new TrainingPlan
        {
            Request = request,
            Settings = settings,
            Choices = [.. choice.Reasons, .. Remarks(training, validation, request)],
            Training = training,
            Validation = validation,
            TrainedParameters = TrainedParameters(settings, ranks),
            MemoryBytes = Memory(settings, ranks).Of(training, validation),
        };
        new TrainerState(request.Folder, TrainingIdentity.Of(plan, engine.Model.Checksum)).CheckSame();
        return plan;
    }

    /// <summary>What is wrong with hyperparameters whatever the data is.</summary>
    public IReadOnlyList<string> FindFaults(Hyperparameters hyperparameters, bool hasValidation)
    {
        var faults = new FaultList(null);
        Check(hyperparameters, hasValidation, faults);
        return faults.Kept;
    }

    /// <summary>What is wrong with hyperparameters on data that has been read.</summary>
    public IReadOnlyList<string> FindFaults(Hyperparameters hyperparameters, TrainingDataset training, TrainingDataset? validation)
    {
        var faults = new FaultList(null);
        Check(hyperparameters, validation is not null, faults);
        if (faults.Any) return faults.Kept;
        var (settings, ranks) = Choose(new SettingsChoice(hyperparameters, _config, _modules), training, validation);
        CheckMemory(settings, ranks, training, validation, faults);
        return faults.Kept;
    }

    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public TrainingDataset ReadDataset(string file, bool skipTooLong, CancellationToken cancellationToken)
    {
        var data = Reader(engine.Model.MaxModelLen, skipTooLong).Read(file, cancellationToken);
        var bytes = DatasetMemory.OfEvaluation(data);
        if (bytes <= engine.TrainingMemory) return data;
        throw new InvalidTrainingException(
        [
            $"{Path.GetFileName(file)}: an evaluation of its {data.Examples.Count} examples would take about {(bytes >> 20) + 1} MiB of memory, more than "
            + $"the {engine.TrainingMemory >> 20} MiB of training-memory: split the file, or allow more with training-memory",
        ]);
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

    private (TrainingSettings Settings, ModuleRanks Ranks) Choose(SettingsChoice choice, TrainingDataset training, TrainingDataset? validation)
    {
        var settings = choice.Choose(
            training.Examples.Count, validation?.Examples.Count ?? 0, engine.Model.MaxModelLen, engine.MaxLoraRank, engine.Model.Dtype);
        var ranks = Ranks(settings);
        return (choice.WithinMemory(settings, Memory(settings, ranks).MostTokens(training, validation, engine.TrainingMemory)), ranks);
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

    private TrainingMemory Memory(TrainingSettings settings, ModuleRanks ranks)
    {
        var weights = engine.BaseModel.Weights;
        return new TrainingMemory(
            _config, _modules, settings, ranks, TrainedParameters(settings, ranks), weights.Dtype, ComputeDtype.OfTraining(weights.Dtype, weights.Device));
    }

    private void CheckMemory(
        TrainingSettings settings, ModuleRanks ranks, TrainingDataset training, TrainingDataset? validation, FaultList faults)
    {
        if (Memory(settings, ranks).FindFault(training, validation, engine.TrainingMemory) is { } fault) faults.Add(fault);
    }

    // Before hours of training end at the first evaluation.
    private void CheckGenerated(TrainingDataset validation, int count, FaultList faults)
    {
        var found = new DataFaults("validation data");
        foreach (var example in validation.Examples.Take(count))
        {
            try
            {
                engine.CheckFits(example.Prompt.Count, ExampleRequests.Completion(engine, example));
            }
            catch (ContextLengthExceededException e)
            {
                found.Add(example.Line, $"cannot be generated for the exact match (exact_match_examples): {e.Message}");
            }
        }

        faults.AddRange(found.All);
    }

    private TrainingDataset? Read(
        string path, int longest, bool skipTooLong, FaultList faults, CancellationToken cancellationToken)
    {
        try
        {
            return Reader(longest, skipTooLong).Read(path, cancellationToken);
        }
        catch (InvalidTrainingException e)
        {
            faults.AddRange(e.Faults);
            return null;
        }
    }

    private TrainingDatasetReader Reader(int longest, bool skipTooLong)
    {
        if (engine.EndTokens.Count == 0)
        {
            throw new InvalidTrainingException(
                [$"{engine.Model.Name} names no token that ends a text (eos_token_id): nothing can learn where to end"]);
        }

        return new TrainingDatasetReader(
            new ModelText
            {
                Tokenizer = engine.Tokenizer,
                Templates = engine.ChatTemplates,
                EndTokens = engine.EndTokens,
                VocabularySize = engine.Model.VocabularySize,
                MaxSequenceLength = longest,
            },
            skipTooLong);
    }

    private static (TrainingDataset Training, TrainingDataset? Validation) Split(TrainingDataset all, TrainingRequest request, FaultList faults)
    {
        var count = all.Examples.Count;
        var heldOut = Math.Max(1, (int)Math.Round(count * request.ValidationSplit));
        if (heldOut >= count)
        {
            faults.Add($"validation_split: {request.ValidationSplit} of {count} examples leaves none to train on");
            return (all, null);
        }

        var order = ExampleOrder.Shuffled(count, request.Hyperparameters.Seed ?? Hyperparameters.DefaultSeed, SplitShuffle);
        TrainingDataset Part(IEnumerable<int> indices) => all with { Examples = [.. indices.Order().Select(index => all.Examples[index])] };
        return (Part(order.Skip(heldOut)), Part(order.Take(heldOut)) with { Warnings = [] });
    }

    private long TrainedParameters(TrainingSettings settings, ModuleRanks ranks)
    {
        if (settings.Method == TrainingMethod.Full) return engine.Model.Parameters;
        return TargetNames.Select(_modules, settings.TargetModules).Sum(linear =>
            ((long)ranks.Of(linear.Path) * (linear.InFeatures + linear.OutFeatures)) + (settings.UseDora ? linear.OutFeatures : 0));
    }
}
