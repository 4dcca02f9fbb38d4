using System.Text.Encodings.Web;
using System.Text.Json;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Peft;
using LoraServe.Engine.Storage;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Settings;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Saving;

/// <summary>
/// Writes an adapter as PEFT's save_pretrained does: adapter_config.json with every field of that version, and adapter_model.safetensors.
/// </summary>
internal static class PeftWriter
{
    // The PEFT version whose fields are written.
    private const string PeftVersion = "0.21.2";

    // PEFT's prefix of module paths.
    private const string Prefix = "base_model.model.";

    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes both files durably, while nothing writes to the parameters.</summary>
    /// <param name="folder">Must exist; callers that need both files or none rename it afterwards.</param>
    /// <param name="parameters">All trained parameters of a LoRA training.</param>
    /// <param name="settings">Of the training.</param>
    /// <param name="baseName">What the base model is called.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(string folder, IReadOnlyList<TrainedParameter> parameters, TrainingSettings settings, string baseName)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var dtype = settings.OutputDtype == "bfloat16" ? ScalarType.BFloat16 : ScalarType.Float32;
        var tensors = parameters.ToDictionary(
            parameter => Prefix + parameter.Name, parameter => parameter.Value.to(dtype), StringComparer.Ordinal);
        SafetensorsWriter.Write(
            Path.Combine(folder, AdapterFiles.Tensors), tensors, new Dictionary<string, string> { ["format"] = "pt" });
        var config = Path.Combine(folder, PeftConfig.FileName);
        File.WriteAllBytes(config, Config(settings, baseName));
        DurableDisk.FlushFile(config);
        DurableDisk.FlushFolder(folder);
    }

    private static byte[] Config(TrainingSettings settings, string baseName)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Indented))
        {
            json.WriteStartObject();
            foreach (var (name, value) in Fields(settings, baseName))
            {
                json.WritePropertyName(name);
                // As Python writes a float: with a fraction even if it is 0.
                if (name == "lora_dropout") json.WriteRawValue(settings.Dropout == 0 ? "0.0" : JsonSerializer.Serialize(settings.Dropout));
                else JsonSerializer.Serialize(json, value);
            }

            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    // In PEFT's order, with PEFT's defaults.
    private static IEnumerable<(string Name, object? Value)> Fields(TrainingSettings settings, string baseName) =>
    [
        ("alora_invocation_tokens", null),
        ("alpha_pattern", settings.AlphaPattern),
        ("arrow_config", null),
        ("auto_mapping", null),
        ("base_model_name_or_path", baseName),
        ("bias", "none"),
        ("corda_config", null),
        ("ensure_weight_tying", false),
        ("eva_config", null),
        ("exclude_modules", null),
        ("fan_in_fan_out", false),
        ("inference_mode", true),
        ("init_lora_weights", true),
        ("kasa_config", null),
        ("layer_replication", null),
        ("layers_pattern", null),
        ("layers_to_transform", null),
        ("loftq_config", new Dictionary<string, string>()),
        ("lora_alpha", settings.Alpha),
        ("lora_bias", false),
        ("lora_dropout", settings.Dropout),
        ("lora_ga_config", null),
        ("megatron_config", null),
        ("megatron_core", "megatron.core"),
        ("modules_to_save", null),
        ("monteclora_config", null),
        ("peft_type", "LORA"),
        ("peft_version", PeftVersion),
        ("qalora_group_size", 16),
        ("r", settings.Rank),
        ("rank_pattern", settings.RankPattern),
        ("revision", null),
        ("target_modules", settings.TargetModules),
        ("target_parameters", null),
        ("task_type", "CAUSAL_LM"),
        ("trainable_token_indices", null),
        ("use_bdlora", null),
        ("use_dora", settings.UseDora),
        ("use_qalora", false),
        ("use_rslora", settings.UseRsLora),
        ("velora_config", null),
    ];
}
