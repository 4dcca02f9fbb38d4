using System.Text.RegularExpressions;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Peft;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Planning;

/// <summary>The ranks of an adapter's modules. Patterns are matched once, in the constructor.</summary>
internal sealed class ModuleRanks
{
    private readonly Dictionary<string, int> _ranks = new(StringComparer.Ordinal);

    /// <param name="modules">Of the base model.</param>
    /// <param name="settings">The settings; in a full training no module has a rank.</param>
    /// <param name="time">Time limit of all patterns together.</param>
    /// <exception cref="RegexMatchTimeoutException">The patterns exceed it.</exception>
    public ModuleRanks(ModelModules modules, TrainingSettings settings, MatchingTime time)
    {
        if (settings.Method == TrainingMethod.Full) return;
        var scaling = settings.ToScaling(time);
        foreach (var linear in TargetNames.Select(modules, settings.TargetModules))
        {
            var rank = scaling.RankOf(linear.Path);
            _ranks.Add(linear.Path, rank);
            Parameters += ((long)rank * (linear.InFeatures + linear.OutFeatures)) + (settings.UseDora ? linear.OutFeatures : 0);
        }
    }

    /// <summary>Number of weights of an adapter of these ranks: A, B and DoRA's magnitudes.</summary>
    public long Parameters { get; }

    /// <summary>The rank of a module; 0 if it is not adapted.</summary>
    public int Of(string path) => _ranks.GetValueOrDefault(path);
}
