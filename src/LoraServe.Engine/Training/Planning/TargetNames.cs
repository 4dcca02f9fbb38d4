using LoraServe.Engine.Checkpoints;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Planning;

/// <summary>The names by which linear modules are chosen for training, and the presets that stand for several.</summary>
internal static class TargetNames
{
    /// <summary>Every linear module of the layers.</summary>
    public const string AllLinear = "all-linear";

    private const string Attention = "attention";
    private const int MostNames = 100;

    private static readonly string[] AttentionNames = ["q_proj", "k_proj", "v_proj", "o_proj"];

    /// <summary>All names in the order of the forward pass, without the output head.</summary>
    public static readonly IReadOnlyList<string> All = [.. AttentionNames, "gate_proj", "up_proj", "down_proj"];

    /// <summary>The requested names, presets resolved, in the order of the forward pass.</summary>
    /// <param name="asked">Names, or one preset.</param>
    /// <param name="faults">Receives what is wrong.</param>
    public static IReadOnlyList<string> Resolve(IReadOnlyList<string> asked, FaultList faults)
    {
        if (asked is [Attention]) return AttentionNames;
        if (asked is [AllLinear]) return All;
        var before = faults.Count;
        if (asked.Count == 0) faults.Add($"target_modules: none; expected some of {Known}");
        if (asked.Count > MostNames) faults.Add($"target_modules: expected at most {MostNames} names, found {asked.Count}");
        foreach (var name in asked.Take(MostNames).Where(name => !All.Contains(name)))
        {
            faults.Add(name is Attention or AllLinear
                ? $"target_modules: {name} stands alone, found {asked.Count} names"
                : $"target_modules: {FaultText.Shorten(name)} is not a linear module of the layers; expected some of {Known}");
        }

        return faults.Count > before ? [] : [.. All.Where(asked.Contains)];
    }

    /// <summary>The modules with one of the names.</summary>
    public static IReadOnlyList<LinearModule> Select(ModelModules modules, IReadOnlyList<string> names) =>
        [.. modules.Linears.Where(linear => linear.Path != modules.Head && names.Contains(linear.Path[(linear.Path.LastIndexOf('.') + 1)..]))];

    private static string Known => $"{string.Join(", ", All)}, or alone {Attention} or {AllLinear}";
}
