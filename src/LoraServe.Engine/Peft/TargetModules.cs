using LoraServe.Engine.Checkpoints;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Peft;

/// <summary>Which modules of a base model a PEFT configuration adapts.</summary>
internal sealed class TargetModules
{
    private static readonly HashSet<string> AttentionDefault = new(["q_proj", "v_proj"], StringComparer.Ordinal);

    // PEFT's own defaults per model_type, for a configuration that names no targets.
    private static readonly Dictionary<string, HashSet<string>> Defaults = new(StringComparer.Ordinal)
    {
        ["llama"] = AttentionDefault,
        ["mistral"] = AttentionDefault,
        ["qwen2"] = AttentionDefault,
        ["qwen3"] = AttentionDefault,
    };

    /// <summary>target_modules as a list: paths or their last components. With no list and no pattern, the model type's default.</summary>
    public IReadOnlySet<string>? Names { get; init; }

    /// <summary>target_modules as text: a regular expression over whole paths.</summary>
    public PeftPattern? Pattern { get; init; }

    /// <summary>target_modules is "all-linear": every linear module except the output head.</summary>
    public bool AllLinear { get; init; }

    /// <summary>exclude_modules as a list; takes precedence over the targets.</summary>
    public IReadOnlySet<string> ExcludedNames { get; init; } = new HashSet<string>();

    /// <summary>exclude_modules as text.</summary>
    public PeftPattern? ExcludedPattern { get; init; }

    /// <summary>Modules that are saved whole; they take precedence over the targets too.</summary>
    public SavedModules Saved { get; init; } = new([]);

    /// <summary>layers_to_transform: only these layers; null: all.</summary>
    public IReadOnlySet<int>? Layers { get; init; }

    /// <summary>layers_pattern: the name of the list of layers; by default any.</summary>
    public IReadOnlyList<PeftPattern> LayersPatterns { get; init; } = [PeftPattern.Layer(@"[^.]*")];

    /// <summary>
    /// The adapted modules in the order of the forward pass, the embedding first. Matching no module is a fault, and so is naming a module that
    /// is neither linear nor the embedding. Such modules matched only by a regular expression are skipped, as by the tools that write one.
    /// </summary>
    public IReadOnlyList<LinearModule> Select(ModelModules modules, PeftFaults faults)
    {
        var targets = Names ?? (Pattern is null && !AllLinear ? Defaults.GetValueOrDefault(modules.ModelType) : new HashSet<string>());
        if (targets is null)
        {
            faults.Incompatible($"target_modules: null, and PEFT has no default for model_type {modules.ModelType}");
            return [];
        }

        List<LinearModule> candidates = [modules.Embedding, .. modules.Linears];
        var selected = candidates.FindAll(linear => IsTarget(linear.Path, targets, modules));
        var others = AllLinear
            ? []
            : modules.Others.Where(path => path != modules.Embedding.Path && IsTarget(path, targets, modules)).ToList();
        if (Pattern is not null && selected.Count > 0 && others.Count > 0)
            faults.Warn($"target_modules: matches {others.Count} modules that are not linear, such as '{others[0]}'; passed over");
        else
            foreach (var path in others) faults.Incompatible($"target_modules: '{path}' is not a linear module");
        if (selected.Count + others.Count == 0)
            faults.Incompatible($"target_modules: no linear module of {modules.ModelName} matches {Describe(targets)}");
        else
            WarnOfUnused(targets, modules, faults);
        return selected;
    }

    private static void WarnOfUnused(IReadOnlySet<string> targets, ModelModules modules, PeftFaults faults)
    {
        var known = modules.Linears.Append(modules.Embedding).SelectMany(linear => Suffixes(linear.Path)).ToHashSet(StringComparer.Ordinal);
        foreach (var name in targets.Where(name => !known.Contains(name)))
            faults.Warn($"target_modules: no linear module of {modules.ModelName} is called '{FaultText.Shorten(name)}'");
    }

    private bool IsTarget(string path, IReadOnlySet<string> targets, ModelModules modules)
    {
        if (Suffixes(path).Any(ExcludedNames.Contains) || ExcludedPattern?.IsMatch(path) == true || Saved.Contains(path)) return false;
        if (AllLinear) return path != modules.Head && path != modules.Embedding.Path;
        if (Pattern is not null) return Pattern.IsMatch(path);

        // layers_to_transform restricts suffixes, which can match several modules, not whole paths.
        return targets.Contains(path) || (Suffixes(path).Any(targets.Contains) && IsInLayers(path));
    }

    private bool IsInLayers(string path)
    {
        if (Layers is null) return true;
        var layer = LayersPatterns.Select(pattern => pattern.LayerOf(path)).FirstOrDefault(index => index is not null);
        return layer is { } found && Layers.Contains(found);
    }

    /// <summary>"a.b.c", "b.c", "c".</summary>
    private static IEnumerable<string> Suffixes(string path)
    {
        yield return path;
        for (var dot = path.IndexOf('.'); dot >= 0; dot = path.IndexOf('.', dot + 1)) yield return path[(dot + 1)..];
    }

    private string Describe(IEnumerable<string> targets) =>
        Pattern is not null ? "the regular expression" : $"'{string.Join("', '", targets.Order(StringComparer.Ordinal).Take(5).Select(FaultText.Shorten))}'";
}
