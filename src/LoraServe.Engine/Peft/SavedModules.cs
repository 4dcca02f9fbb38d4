using LoraServe.Engine.Checkpoints;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Peft;

/// <summary>Modules that were fully trained in addition to LoRA and saved with all of their tensors.</summary>
/// <param name="names">PEFT's modules_to_save.</param>
internal sealed class SavedModules(IReadOnlyList<string> names)
{
    /// <summary>Path suffixes, not necessarily whole components: "norm" also matches every "input_layernorm".</summary>
    public IReadOnlyList<string> Names { get; } = names;

    /// <summary>Whether the module of this path is saved, itself or as a part of another.</summary>
    public bool Contains(string path) => Names.Any(name => IsSaved(path, name));

    /// <summary>Paths of the saved modules that have tensors, unordered. A name that matches none is a fault.</summary>
    public IReadOnlyList<string> Select(ModelModules modules, PeftFaults faults)
    {
        List<string> all = [modules.Embedding.Path, .. modules.Norms.Keys, .. modules.Linears.Select(linear => linear.Path)];
        foreach (var name in Names.Where(name => !all.Exists(path => IsSaved(path, name))))
            faults.Incompatible($"{PeftConfig.FileName}: modules_to_save: {modules.ModelName} has no module '{FaultText.Shorten(name)}'");
        return all.FindAll(Contains);
    }

    private static bool IsSaved(string path, string name)
    {
        if (name.Length == 0) return false;
        for (var end = path.Length; end > 0; end = path.LastIndexOf('.', end - 1))
            if (path.AsSpan(0, end).EndsWith(name, StringComparison.Ordinal)) return true;
        return false;
    }
}
