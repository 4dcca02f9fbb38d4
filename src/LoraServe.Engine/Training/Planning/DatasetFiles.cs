using LoraServe.Engine.Generation;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Settings;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Planning;

/// <summary>Reads the files of examples that an engine's model is trained or evaluated on.</summary>
/// <param name="engine">Whose model it is.</param>
internal sealed class DatasetFiles(LlmEngine engine)
{
    /// <summary>Reads a file to train on, or to hold out.</summary>
    /// <param name="path">JSONL.</param>
    /// <param name="hyperparameters">Set the maximum length of examples, and whether longer ones are skipped.</param>
    /// <param name="faults">Receives the file's.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null if the file has faults.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public TrainingDataset? Read(string path, Hyperparameters hyperparameters, FaultList faults, CancellationToken cancellationToken)
    {
        var most = engine.Model.MaxModelLen;
        // With an invalid length, valid examples would be faults.
        var longest = hyperparameters.MaxSequenceLength is { } length && length >= 2 && length <= most ? length : most;
        try
        {
            return Reader(longest, hyperparameters.SkipTooLong).Read(path, cancellationToken);
        }
        catch (InvalidTrainingException e)
        {
            faults.AddRange(e.Faults);
            return null;
        }
    }

    /// <summary>Reads a file to evaluate on.</summary>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public TrainingDataset ReadForEvaluation(string path, bool skipTooLong, CancellationToken cancellationToken)
    {
        var data = Reader(engine.Model.MaxModelLen, skipTooLong).Read(path, cancellationToken);
        var bytes = DatasetMemory.OfEvaluation(data);
        if (bytes <= engine.TrainingMemory) return data;
        throw new InvalidTrainingException(
        [
            $"{Path.GetFileName(path)}: an evaluation of its {data.Examples.Count} examples would take about {(bytes >> 20) + 1} MiB of memory, more than "
            + $"the {engine.TrainingMemory >> 20} MiB of training-memory: split the file, or allow more with training-memory",
        ]);
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
}
