using System.Text.Json;
using LoraServe.Api;
using LoraServe.Engine.Training.Results;

namespace LoraServe.Commands;

/// <summary>
/// Steps and evaluations of a training, one JSON object per line, including those before an interruption. Steps after the checkpoint that was
/// resumed from appear twice; the later line counts.
/// </summary>
internal sealed class TrainingLog : IDisposable
{
    private readonly SortedDictionary<int, StepMade> _steps = [];
    private readonly SortedDictionary<int, Evaluated> _evaluations = [];
    private readonly StreamWriter _writer;

    /// <param name="file">The log.</param>
    /// <param name="goesOn">Whether to append; otherwise the log starts over.</param>
    public TrainingLog(string file, bool goesOn)
    {
        if (goesOn && File.Exists(file))
        {
            foreach (var line in File.ReadLines(file)) Add(Read(line));
        }

        _writer = new StreamWriter(file, append: goesOn) { AutoFlush = true };
        // Terminates a line that was cut off.
        if (_writer.BaseStream.Position > 0) _writer.WriteLine();
    }

    /// <summary>In order.</summary>
    public IReadOnlyList<StepMade> Steps => [.. _steps.Values];

    /// <summary>In order.</summary>
    public IReadOnlyList<Evaluated> Evaluations => [.. _evaluations.Values];

    /// <summary>Adds an event; only steps and evaluations are logged.</summary>
    public void Write(TrainingEvent happened)
    {
        if (happened is not (StepMade or Evaluated)) return;
        Add(happened);
        var line = happened is StepMade step ? new LogLine(step, null) : new LogLine(null, (Evaluated)happened);
        _writer.WriteLine(JsonSerializer.Serialize(line, ApiJson.Options));
    }

    public void Dispose() => _writer.Dispose();

    private void Add(TrainingEvent? happened)
    {
        if (happened is StepMade step) _steps[step.Step] = step;
        if (happened is Evaluated evaluated) _evaluations[evaluated.Step] = evaluated;
    }

    private static TrainingEvent? Read(string line)
    {
        try
        {
            var read = JsonSerializer.Deserialize<LogLine>(line, ApiJson.Options);
            return (TrainingEvent?)read?.Step ?? read?.Evaluation;
        }
        // The last line of a process killed while writing.
        catch (JsonException)
        {
            return null;
        }
    }

    private sealed record LogLine(StepMade? Step, Evaluated? Evaluation);
}
