using System.Text.RegularExpressions;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Peft;
using LoraServe.Engine.Training.Settings;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Planning;

/// <summary>Finds faults of ranks, alphas, targets and patterns for a base model.</summary>
/// <param name="modules">Of the base model.</param>
/// <param name="maxRank">The highest rank served.</param>
/// <param name="time">Time limit of all patterns together.</param>
/// <param name="faults">Receives every fault.</param>
internal sealed class AdaptationFaults(ModelModules modules, int maxRank, MatchingTime time, FaultList faults)
{
    private const int MostPatterns = 1000;

    // Maximum characters of all regular expressions together, as for uploaded adapters.
    private const int MostComplexity = 4000;

    private const double MostAlpha = 1e6;

    private readonly HyperparameterFaults _values = new(faults);
    private int _complexity;
    private bool _isTooSlow;

    /// <summary>Checks everything specific to LoRA.</summary>
    public void Check(Hyperparameters asked)
    {
        if (asked.Method == TrainingMethod.Full)
        {
            CheckAbsent(asked);
            return;
        }

        var names = asked.TargetModules is null ? TargetNames.All : TargetNames.Resolve(asked.TargetModules, faults);
        var targets = TargetNames.Select(modules, names);
        _values.Number("alpha", asked.Alpha, value => value is > 0 and <= MostAlpha, $"a number above 0, at most {MostAlpha}");
        _values.Number("dropout", asked.Dropout, value => value is >= 0 and < 1, "a number from 0 to below 1");
        var ranks = Patterns("rank_pattern", asked.RankPattern, targets);
        Patterns("alpha_pattern", asked.AlphaPattern, targets);
        foreach (var (pattern, alpha) in asked.AlphaPattern)
        {
            _values.Number(
                $"alpha_pattern {FaultText.Shorten(pattern)}", alpha, value => value is > 0 and <= MostAlpha, $"a number above 0, at most {MostAlpha}");
        }

        // The modules of a rank are unknown.
        if (_isTooSlow) return;
        // The first pattern that matches counts.
        foreach (var (pattern, rank) in asked.RankPattern)
            CheckRank($"rank_pattern {FaultText.Shorten(pattern)}", rank, ranks.GetValueOrDefault(pattern, []));
        if (asked.Rank is not { } r) return;
        var others = targets.Where(target => !ranks.Values.Any(matched => matched.Contains(target))).ToList();
        CheckRank("r", r, others);
    }

    private void CheckRank(string name, int rank, IReadOnlyList<LinearModule> targets)
    {
        if (rank < 1)
        {
            faults.Add($"{name}: expected a whole number from 1 on, found {rank}");
            return;
        }

        if (rank > maxRank) faults.Add($"{name}: {rank} is more than the {maxRank} that are served (max-lora-rank)");
        if (targets.MinBy(Most) is { } narrowest && rank > Most(narrowest))
        {
            faults.Add(
                $"{name}: {rank} is more than {narrowest.Path} can have, which is {Most(narrowest)}: its weight is "
                + $"[{narrowest.OutFeatures}, {narrowest.InFeatures}]");
        }
    }

    // The targets that each pattern decides about.
    private Dictionary<string, IReadOnlyList<LinearModule>> Patterns<T>(
        string field, IReadOnlyDictionary<string, T> patterns, IReadOnlyList<LinearModule> targets)
    {
        var matches = new Dictionary<string, IReadOnlyList<LinearModule>>(StringComparer.Ordinal);
        if (patterns.Count > MostPatterns)
        {
            faults.Add($"{field}: expected at most {MostPatterns} patterns, found {patterns.Count}");
            return matches;
        }

        List<LinearModule> left = [.. targets];
        foreach (var text in patterns.Keys)
        {
            if (_isTooSlow || Compile(field, text) is not { } pattern) continue;
            try
            {
                var matched = left.FindAll(target => pattern.IsMatch(target.Path));
                if (targets.Count > 0 && matched.Count == 0)
                    faults.Add($"{field} {FaultText.Shorten(text)}: matches the end of no target's path, or only of those that a pattern before it has");
                left.RemoveAll(matched.Contains);
                matches.Add(text, matched);
            }
            catch (RegexMatchTimeoutException)
            {
                faults.Add($"{field} {FaultText.Shorten(text)}: takes too long to match");
                _isTooSlow = true;
            }
        }

        return matches;
    }

    private PeftPattern? Compile(string field, string text)
    {
        try
        {
            if (_complexity > MostComplexity) return null;
            var pattern = PeftPattern.Suffix(text, time);
            _complexity += pattern.Complexity;
            if (_complexity <= MostComplexity) return pattern;
            faults.Add($"{field}: regular expressions of more than {MostComplexity} characters together");
        }
        catch (ArgumentException e)
        {
            faults.Add($"{field} {FaultText.Shorten(text)}: {e.Message}");
        }

        return null;
    }

    private void CheckAbsent(Hyperparameters asked)
    {
        (string Name, bool IsGiven)[] fields =
        [
            ("r", asked.Rank is not null),
            ("alpha", asked.Alpha is not null),
            ("dropout", asked.Dropout is > 0 or double.NaN),
            ("use_rslora", asked.UseRsLora),
            ("use_dora", asked.UseDora),
            ("target_modules", asked.TargetModules is not null),
            ("rank_pattern", asked.RankPattern.Count > 0),
            ("alpha_pattern", asked.AlphaPattern.Count > 0),
        ];
        foreach (var (name, _) in fields.Where(field => field.IsGiven)) faults.Add($"{name}: has no meaning where every weight is trained (method full)");
    }

    private static int Most(LinearModule linear) => Math.Min(linear.InFeatures, linear.OutFeatures);
}
