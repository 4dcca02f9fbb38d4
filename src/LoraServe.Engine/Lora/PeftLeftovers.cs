using LoraServe.Engine.Checkpoints;

namespace LoraServe.Engine.Lora;

/// <summary>Says of each tensor that has no place in an adapter why, one fault for all with the same reason.</summary>
internal sealed class PeftLeftovers(
    PeftConfig config, ModelModules modules, IReadOnlyDictionary<string, long[]> shapes, PeftTensors tensors)
{
    /// <summary>Reports what nobody has taken.</summary>
    public void Report()
    {
        foreach (var group in tensors.Left.GroupBy(left => Reason(left.Path, left.Role), left => left.Entry.Name, StringComparer.Ordinal))
        {
            var names = group.ToList();
            tensors.Fault($"'{names[0]}'{(names.Count == 1 ? "" : $" and {names.Count - 1} more")}: {group.Key}");
        }
    }

    private string Reason(string path, PeftRole role) => role switch
    {
        PeftRole.Mlx => "MLX's layout, convert it to PEFT's",
        PeftRole.Kohya => "kohya's layout, convert it to PEFT's",
        PeftRole.Gguf => "GGUF's layout, convert it to PEFT's",
        PeftRole.Unknown => "not a part of a LoRA adapter",
        _ when !shapes.ContainsKey($"{path}.weight") =>
            $"{modules.ModelName} has no {(role is PeftRole.LoraA or PeftRole.LoraB ? "linear module" : "module")} '{path}'",
        PeftRole.Magnitude when !config.UsesDora => $"a magnitude of DoRA, but use_dora is off in {PeftConfig.FileName}",
        PeftRole.LoraBias when !config.HasLoraBias => $"a bias on lora_B, but lora_bias is off in {PeftConfig.FileName}",
        PeftRole.TokenRows => $"rows of trained tokens, but {PeftConfig.FileName} has no trainable_token_indices for it",
        PeftRole.Weight => $"a module saved whole, but it is not in modules_to_save of {PeftConfig.FileName}",
        PeftRole.Bias => $"a trained bias, but bias in {PeftConfig.FileName} does not ask for it",
        PeftRole.BaseWeight or PeftRole.BaseBias => $"{modules.ModelName} has no such tensor",
        PeftRole.EmbeddingA or PeftRole.EmbeddingB when path != modules.Embedding.Path => $"{path} is not an embedding",
        _ => $"{path} is not among the target modules of {PeftConfig.FileName}",
    };
}
