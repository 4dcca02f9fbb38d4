using LoraServe.Engine.Training.Settings;
using LoraServe.Jobs;
using LoraServe.Text.Faults;

namespace LoraServe.Training;

/// <summary>Faults of a training, with its owner's file names.</summary>
internal static class TrainingFaults
{
    /// <summary>The faults as a job's error, with the owner's file names instead of the server's paths.</summary>
    /// <param name="refusal">The engine's refusal.</param>
    /// <param name="files">The server's path, the owner's name or null, and the request's field.</param>
    public static JobFailedException Explain(
        InvalidTrainingException refusal, params IEnumerable<(string Path, string? Name, string Param)> files)
    {
        var faults = refusal.Faults;
        string? param = null;
        foreach (var file in files.Where(file => file.Name is not null))
        {
            if (faults.Any(fault => fault.Contains(Path.GetFileName(file.Path), StringComparison.Ordinal))) param ??= file.Param;
            faults = [.. faults.Select(fault => fault.Replace(file.Path, file.Name).Replace(Path.GetFileName(file.Path), file.Name))];
        }

        return new JobFailedException(new JobError($"invalid_{param ?? "hyperparameters"}", FaultText.Join(faults), param), refusal);
    }
}
