using System.Globalization;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Storage;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Saving;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Runs;

/// <summary>
/// A training's output beside its states: "checkpoints/step-N", and at the end a copy of the best of them as the result. Each
/// is complete from the moment it has its name.
/// </summary>
/// <param name="path">The folder.</param>
/// <param name="result">Name of the result: adapter, or model.</param>
/// <param name="write">Writes parameters into an existing, empty folder.</param>
internal sealed class RunFolder(string path, string result, Action<string, IReadOnlyList<TrainedParameter>> write)
{
    private const string Prefix = "step-";

    private readonly string _checkpoints = Path.Combine(path, "checkpoints");

    /// <summary>The folder of a planned training, which writes a PEFT folder, or a whole model where every weight is trained.</summary>
    public static RunFolder Of(TrainingPlan plan, LlmEngine engine) => plan.Settings.Method == TrainingMethod.Full
        ? new RunFolder(
            plan.Request.Folder, "model", (folder, parameters) => ModelWriter.Write(folder, parameters, plan.Settings.OutputDtype, engine))
        : new RunFolder(
            plan.Request.Folder, "adapter", (folder, parameters) => PeftWriter.Write(folder, parameters, plan.Settings, engine.Model.Name));

    /// <summary>Path of the checkpoint of a step.</summary>
    public string CheckpointOf(int step) => Path.Combine(_checkpoints, $"{Prefix}{step}");

    /// <summary>Writes the parameters after a step.</summary>
    /// <param name="step">From 1.</param>
    /// <param name="parameters">Nothing writes to them meanwhile.</param>
    /// <exception cref="IOException">It cannot be written; nothing incomplete has the name.</exception>
    public void WriteCheckpoint(int step, IReadOnlyList<TrainedParameter> parameters) =>
        Put(CheckpointOf(step), folder => write(folder, parameters));

    /// <summary>Makes a checkpoint the result.</summary>
    /// <returns>The folder of the result.</returns>
    public string Publish(int step)
    {
        var target = Path.Combine(path, result);
        Put(target, folder =>
        {
            foreach (var file in Directory.EnumerateFiles(CheckpointOf(step)))
            {
                var copy = Path.Combine(folder, Path.GetFileName(file));
                File.Copy(file, copy);
                DurableDisk.FlushFile(copy);
            }
        });
        return target;
    }

    /// <summary>Deletes all checkpoints except those of the last steps and some others.</summary>
    /// <param name="last">How many of the last steps are kept.</param>
    /// <param name="others">Further steps to keep.</param>
    public void KeepOnly(int last, params IReadOnlyCollection<int> others)
    {
        if (!Directory.Exists(_checkpoints)) return;
        var steps = Directory.EnumerateDirectories(_checkpoints, $"{Prefix}*")
            .Select(folder => int.TryParse(Path.GetFileName(folder)[Prefix.Length..], NumberStyles.None, null, out var step) ? step : -1)
            .Where(step => Directory.Exists(CheckpointOf(step)));
        foreach (var step in steps.Distinct().OrderDescending().Skip(last).Except(others)) Directory.Delete(CheckpointOf(step), recursive: true);
    }

    // Leftovers of a kill have a name that begins with a dot.
    private static void Put(string target, Action<string> fill)
    {
        var parent = Directory.CreateDirectory(Path.GetDirectoryName(target)!).FullName;
        foreach (var leftover in Directory.EnumerateDirectories(parent, $".{Path.GetFileName(target)}.*"))
            Directory.Delete(leftover, recursive: true);
        var temporary = Directory.CreateDirectory(Path.Combine(parent, $".{Path.GetFileName(target)}.{Guid.NewGuid():N}")).FullName;
        try
        {
            fill(temporary);
            DurableDisk.FlushFolder(temporary);
            if (Directory.Exists(target)) Directory.Delete(target, recursive: true);
            Directory.Move(temporary, target);
            DurableDisk.FlushFolder(parent);
        }
        finally
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }
    }
}
