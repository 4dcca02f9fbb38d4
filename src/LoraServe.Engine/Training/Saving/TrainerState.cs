using System.Globalization;
using System.Text.Json;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Storage;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Optimization;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Settings;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Saving;

/// <summary>
/// The states of a training in its folder, "state-STEP.safetensors": parameters, moments of the optimiser and progress in one file with a
/// checksum, so that a kill or a power cut leaves the old state or the complete new one. The newest two are kept.
/// </summary>
/// <param name="folder">Of the training; created by the first <see cref="Save"/>.</param>
/// <param name="identity">Of the training.</param>
internal sealed class TrainerState(string folder, TrainingIdentity identity)
{
    private const int Kept = 2;
    private const string Prefix = "state-";
    private const string Suffix = ".safetensors";

    private static readonly string[] Results = ["adapter", "model", "adapter_config.json", "config.json"];

    /// <summary>The states of a planned training on an engine's base.</summary>
    public static TrainerState Of(TrainingPlan plan, LlmEngine engine) =>
        new(plan.Request.Folder, TrainingIdentity.Of(plan, engine.Model.Checksum));

    /// <summary>Whether there is a state, valid or not.</summary>
    public bool Exists => Files().Count > 0;

    /// <summary>
    /// Throws if the newest readable state in the folder is of another training, or if the folder has a model or an adapter without a state: the
    /// training would replace them. Computes nothing.
    /// </summary>
    /// <exception cref="InvalidTrainingException">With the differences, or what is there.</exception>
    public void CheckSame()
    {
        foreach (var (_, path) in Files())
        {
            if (StateFile.IdentityOf(path, identity) is not { } there) continue;
            if (there.Differences(identity) is not { Count: > 0 } differences) return;
            throw new InvalidTrainingException(
            [
                $"{folder} holds a checkpoint of another training: choose another folder, or ask for the same training again",
                .. differences,
            ]);
        }

        if (Foreign() is { } name)
        {
            throw new InvalidTrainingException(
                [$"{folder} holds {name}, and no checkpoint of this training: choose another folder, or move away what is there"]);
        }
    }

    /// <summary>Writes the state durably, while nothing writes to the tensors.</summary>
    /// <param name="progress">How far it is.</param>
    /// <param name="parameters">What is trained.</param>
    /// <param name="optimizer">Of the parameters, between two of its steps.</param>
    /// <exception cref="IOException">It cannot be written; the old state is intact.</exception>
    public void Save(TrainingProgress progress, IReadOnlyList<TrainedParameter> parameters, AdamW optimizer)
    {
        Directory.CreateDirectory(folder);
        foreach (var leftover in Directory.EnumerateFiles(folder, $"{Prefix}*.tmp")) File.Delete(leftover);
        StateFile.Write(Path.Combine(folder, $"{Prefix}{progress.Step}{Suffix}"), identity, progress, Tensors(parameters, optimizer));
        DurableDisk.FlushFolder(folder);
        // States of later steps are damaged: the training resumed from an earlier one.
        var files = Files();
        foreach (var (_, old) in files.Where(file => file.Step > progress.Step).Concat(files.Where(file => file.Step <= progress.Step).Skip(Kept)))
            File.Delete(old);
    }

    /// <summary>
    /// Restores parameters and optimiser from the newest intact state, while nothing else uses them. <see cref="TrainedModel.Refresh"/> is
    /// to be called afterwards.
    /// </summary>
    /// <param name="parameters">Written to.</param>
    /// <param name="optimizer">Written to.</param>
    /// <param name="damaged">Receives a sentence for every damaged file.</param>
    /// <returns>Its progress; null if there is no state to resume from, and then nothing was written.</returns>
    /// <exception cref="InvalidTrainingException">The state is of another training.</exception>
    public TrainingProgress? Load(IReadOnlyList<TrainedParameter> parameters, AdamW optimizer, Action<string> damaged)
    {
        CheckSame();
        foreach (var (step, path) in Files())
        {
            try
            {
                var progress = StateFile.Read(path, Tensors(parameters, optimizer));
                optimizer.Steps = step;
                return progress;
            }
            catch (Exception e) when (e is InvalidStateException or InvalidSafetensorsException or IOException or JsonException)
            {
                damaged($"The checkpoint {Path.GetFileName(path)} is damaged and not used: {e.Message}");
            }
        }

        return null;
    }

    // Outputs that the training would replace, or files that make the folder itself a model or an adapter.
    private string? Foreign()
    {
        if (!Directory.Exists(folder)) return null;
        return Directory.EnumerateFileSystemEntries(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).FirstOrDefault(
            name => Results.Contains(name) || (Path.GetExtension(name) == Suffix && !name.StartsWith(Prefix, StringComparison.Ordinal)));
    }

    private static Dictionary<string, Tensor> Tensors(IReadOnlyList<TrainedParameter> parameters, AdamW optimizer)
    {
        var tensors = parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value, StringComparer.Ordinal);
        foreach (var (parameter, first, second) in optimizer.Moments)
        {
            tensors.Add($"optimizer.first.{parameter.Name}", first);
            tensors.Add($"optimizer.second.{parameter.Name}", second);
        }

        return tensors;
    }

    // The newest first.
    private List<(int Step, string Path)> Files()
    {
        if (!Directory.Exists(folder)) return [];
        return [.. Directory.EnumerateFiles(folder, $"{Prefix}*{Suffix}")
            .Select(path => (StepOf(path), path))
            .Where(file => file.Item1 >= 0)
            .OrderByDescending(file => file.Item1)];
    }

    private static int StepOf(string path) =>
        int.TryParse(Path.GetFileName(path)[Prefix.Length..^Suffix.Length], NumberStyles.None, null, out var step) ? step : -1;
}
