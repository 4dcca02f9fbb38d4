using System.Text.RegularExpressions;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Peft;

namespace LoraServe.Engine.Training.Planning;

/// <summary>The ranks of the modules that an adapter is trained on. Its patterns are matched once, when it is made.</summary>
internal sealed class ModuleRanks
{
    private readonly Dictionary<string, int> _ranks = new(StringComparer.Ordinal);

    /// <param name="modules">Of the base model.</param>
    /// <param name="settings">What is trained; of a full training no module has a rank.</param>
    /// <param name="time">What the patterns may take.</param>
    /// <exception cref="RegexMatchTimeoutException">They take longer.</exception>
    public ModuleRanks(ModelModules modules, TrainingSettings settings, MatchingTime time)
    {
        if (settings.Method == TrainingMethod.Full) return;
        var scaling = settings.ToScaling(time);
        foreach (var linear in TargetNames.Select(modules, settings.TargetModules)) _ranks.Add(linear.Path, scaling.RankOf(linear.Path));
    }

    /// <summary>The rank of a module; 0 where no adapter is trained on it.</summary>
    public int Of(string path) => _ranks.GetValueOrDefault(path);
}
