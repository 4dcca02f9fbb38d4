using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Data;

/// <summary>
/// Reads a JSONL file of examples. An invalid line is a fault with its number and reason, and enough faults end reading; blank lines are ignored. An example
/// is never truncated.
/// </summary>
/// <param name="model">Of the base.</param>
/// <param name="skipTooLong">Whether examples that are too long are skipped with a warning instead of being faults.</param>
internal sealed class TrainingDatasetReader(ModelText model, bool skipTooLong)
{
    // Byte order marks of UTF-16.
    private static readonly byte[][] WideMarks = [[0xFF, 0xFE], [0xFE, 0xFF]];

    private readonly ExampleParser _parser = new(model);

    /// <summary>Maximum examples of a file, skipped ones included; all are in memory.</summary>
    public int MostExamples { get; init; } = 1_000_000;

    /// <summary>Maximum tokens of a file, likewise.</summary>
    public long MostTokens { get; init; } = 100_000_000;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends it before the next line.</param>
    /// <exception cref="InvalidTrainingException">With the first faults.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public TrainingDataset Read(string path, CancellationToken cancellationToken = default)
    {
        using var lines = new JsonLines(path);
        var faults = new DataFaults(Path.GetFileName(path));
        var leftOut = new DataFaults(Path.GetFileName(path), "examples left out");
        var (examples, tokens) = (new List<TrainingExample>(), 0L);
        foreach (var line in lines.Read(cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (line.Number == 1 && Array.Exists(WideMarks, mark => line.Bytes.Span.StartsWith(mark)))
            {
                faults.Add("UTF-16: save the file as UTF-8");
                break;
            }

            if (!line.IsTooLong && IsBlank(line.Bytes.Span)) continue;
            try
            {
                var example = _parser.Parse(line);
                examples.Add(example);
                tokens += example.Tokens.Count;
            }
            catch (ExampleException e) when (e.IsTooLong && skipTooLong)
            {
                leftOut.Add(line.Number, $"left out: {e.Message}");
            }
            catch (ExampleException e)
            {
                foreach (var fault in e.Faults) faults.Add(line.Number, fault);
            }
            catch (UnusableTemplateException e)
            {
                faults.Add(line.Number, $"messages cannot be examples: {e.Message} Use prompt and completion");
                break;
            }

            if (examples.Count + leftOut.Count <= MostExamples && tokens <= MostTokens) continue;
            faults.Add(line.Number, $"more than {MostExamples} examples or {MostTokens} tokens up to here: split the file");
            break;
        }

        if (lines.IsTooLarge) faults.Add($"more than {JsonLines.MostFileBytes >> 20} MiB: split the file");
        if (!faults.Any && examples.Count == 0)
        {
            faults.Add(leftOut.Any
                ? $"no example is left: all {leftOut.Count} are longer than {model.MaxSequenceLength} tokens"
                : "no examples: write one a line");
        }

        faults.ThrowIfAny();
        return new TrainingDataset { Examples = examples, Hash = lines.Hash, Warnings = leftOut.All };
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.IndexOfAnyExcept(" \t\r"u8) < 0;
}
