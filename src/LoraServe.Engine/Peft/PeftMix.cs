using System.Text.Json;
using System.Text.Json.Nodes;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Peft;

/// <summary>
/// Writes a mix as a PEFT folder that loads to exactly the tensors used for serving: alpha equals the rank, so that the scaling is 1 and B,
/// which includes coefficients and scalings of the parts, is unchanged.
/// </summary>
internal static class PeftMix
{
    // As PEFT writes it.
    private static readonly Dictionary<string, string> Metadata = new(StringComparer.Ordinal) { ["format"] = "pt" };

    /// <summary>Writes the two files of PEFT.</summary>
    /// <param name="folder">Must exist; its two PEFT files are replaced.</param>
    /// <param name="mix">A result of <see cref="LoraMix.Combine"/>; only read.</param>
    /// <param name="baseName">The name of the base model.</param>
    public static void Write(string folder, LoraAdapter mix, string baseName)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var ranks = new Dictionary<string, (int Rank, double Alpha)>(StringComparer.Ordinal);
        var hasBias = mix.Linears.Values.Any(update => update is LowRankUpdate { Shift: not null });
        if (mix.Embedding is LowRankEmbedding embedding)
            Add(ModelLayout.Embedding, embedding.A, embedding.B, PeftRole.EmbeddingA, PeftRole.EmbeddingB);
        foreach (var (path, update) in mix.Linears)
        {
            var lora = (LowRankUpdate)update;
            // A bias alone has rank 0, which PEFT does not support.
            var (a, b) = lora.A.size(0) > 0
                ? (lora.A, lora.B)
                : (lora.A.new_zeros([1, lora.A.size(1)]), lora.B.new_zeros([lora.B.size(0), 1]));
            Add(path, a, b, PeftRole.LoraA, PeftRole.LoraB);
            if (hasBias) tensors.Add(new PeftTensorName(path, PeftRole.LoraBias).Format(), lora.Shift ?? b.new_zeros([b.size(0)]));
        }

        File.WriteAllBytes(Path.Combine(folder, PeftConfig.FileName), new PeftRanks(ranks).ApplyTo(Config(baseName, ranks.Keys, hasBias)));
        SafetensorsWriter.Write(Path.Combine(folder, PeftAdapter.TensorFileName), tensors, Metadata);

        void Add(string path, Tensor a, Tensor b, PeftRole roleOfA, PeftRole roleOfB)
        {
            tensors.Add(new PeftTensorName(path, roleOfA).Format(), a);
            tensors.Add(new PeftTensorName(path, roleOfB).Format(), b);
            ranks.Add(path, ((int)a.size(0), a.size(0)));
        }
    }

    private static byte[] Config(string baseName, IEnumerable<string> paths, bool hasBias) => JsonSerializer.SerializeToUtf8Bytes(new JsonObject
    {
        ["peft_type"] = "LORA",
        ["task_type"] = "CAUSAL_LM",
        ["base_model_name_or_path"] = baseName,
        ["inference_mode"] = true,
        ["init_lora_weights"] = true,
        ["target_modules"] = new JsonArray([.. paths.Order(StringComparer.Ordinal).Select(path => JsonValue.Create(path))]),
        ["bias"] = "none",
        ["lora_bias"] = hasBias,
        ["lora_dropout"] = 0.0,
        ["fan_in_fan_out"] = false,
        ["modules_to_save"] = null,
        ["use_dora"] = false,
        ["use_rslora"] = false,
    });
}
