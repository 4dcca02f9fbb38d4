using LoraServe.Engine.Checkpoints;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Peft;

/// <summary>Reports tensors that match nothing in the adapter's configuration, with one fault for each reason.</summary>
internal sealed class PeftLeftovers(
    PeftConfig config, ModelModules modules, IReadOnlyDictionary<string, long[]> shapes, PeftTensors tensors)
{
    // Enough names to show what they have in common.
    private const int MaxShown = 3;

    // Long enough for a full name of PEFT.
    private const int MaxNameLength = 90;

    /// <summary>Reports the unmatched tensors.</summary>
    public void Report()
    {
        foreach (var group in tensors.Left.GroupBy(left => Reason(left.Path, left.Role), left => left.Entry.Name, StringComparer.Ordinal))
        {
            var names = group.ToList();
            var shown = string.Join("', '", names.Take(MaxShown).Select(name => FaultText.Cut(name, MaxNameLength)));
            tensors.Fault($"unexpected '{shown}'{(names.Count <= MaxShown ? "" : $" and {names.Count - MaxShown} more")}: {group.Key}");
        }
    }

    private string Reason(string path, PeftRole role) => role switch
    {
        PeftRole.Mlx => "MLX's layout, convert it to PEFT's",
        PeftRole.Kohya => "kohya's layout, convert it to PEFT's",
        PeftRole.Gguf => "GGUF's layout, convert it to PEFT's",
        PeftRole.Unknown => "not a part of a LoRA adapter",
        _ when !shapes.ContainsKey($"{path}.weight") =>
            Unknown(path, role),
        PeftRole.Magnitude when !config.UsesDora => $"a magnitude of DoRA, but use_dora is off in {PeftConfig.FileName}",
        PeftRole.LoraBias when !config.HasLoraBias => $"a bias on lora_B, but lora_bias is off in {PeftConfig.FileName}",
        PeftRole.TokenRows => $"rows of trained tokens, but {PeftConfig.FileName} has no trainable_token_indices for it",
        PeftRole.Weight => $"a module saved whole, but it is not in modules_to_save of {PeftConfig.FileName}",
        PeftRole.Bias => $"a trained bias, but bias in {PeftConfig.FileName} does not ask for it",
        PeftRole.BaseWeight or PeftRole.BaseBias => $"{modules.ModelName} has no such tensor",
        PeftRole.EmbeddingA or PeftRole.EmbeddingB when path != modules.Embedding.Path => $"{path} is not an embedding",
        _ => $"{path} is not among the target modules of {PeftConfig.FileName}",
    };

    // One fault for all tensors with the same foreign prefix, if the rest of their path is a module of the base.
    private string Unknown(string path, PeftRole role)
    {
        for (var dot = path.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = path.IndexOf('.', dot + 1))
        {
            var rest = path[(dot + 1)..];
            if (shapes.ContainsKey($"{rest}.weight") || shapes.ContainsKey($"model.{rest}.weight"))
                return $"no module of {modules.ModelName} begins with '{FaultText.Shorten(path[..(dot + 1)])}'";
        }

        return $"{modules.ModelName} has no {(role is PeftRole.LoraA or PeftRole.LoraB ? "linear module" : "module")} '{FaultText.Shorten(path)}'";
    }
}
