using LoraServe.Engine.Training.Settings;
using LoraServe.Jobs;
using LoraServe.Text.Faults;

namespace LoraServe.Training;

/// <summary>What is wrong with a training, in the words of its owner.</summary>
internal static class TrainingFaults
{
    /// <summary>The faults as the error of a job, with the owner's names of files in the place of the server's.</summary>
    /// <param name="refusal">What the engine says.</param>
    /// <param name="files">The server's path, the owner's name, and the field of the request; names that are null are not there.</param>
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
