using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Training.Gradients;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training;

/// <content>Writing what was trained.</content>
public sealed partial class LoraTrainer
{
    private static void WriteAdapter(string folder, IReadOnlyList<TrainedParameter> parameters, TrainingSettings settings)
    {
        var tensors = parameters.ToDictionary(parameter => $"base_model.model.{parameter.Name}", parameter => parameter.Value);
        SafetensorsWriter.Write(Path.Combine(folder, "adapter_model.safetensors"), tensors, new Dictionary<string, string> { ["format"] = "pt" });
        var targets = string.Join("\", \"", settings.TargetModules);
        File.WriteAllText(
            Path.Combine(folder, "adapter_config.json"),
            $$"""{"peft_type": "LORA", "r": {{settings.Rank}}, "lora_alpha": {{settings.Alpha}}, "target_modules": ["{{targets}}"]}""");
    }

    private void WriteModel(string folder, IReadOnlyList<TrainedParameter> parameters, string dtype)
    {
        var type = dtype == "float32" ? ScalarType.Float32 : ScalarType.BFloat16;
        var values = parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value, StringComparer.Ordinal);
        CheckpointWriter.Write(
            engine.ModelFolder,
            folder,
            parameters.Select(parameter => (parameter.Name, parameter.Value.shape)),
            name => values[name].to(type),
            dtype,
            engine.BaseModel.Config.TieWordEmbeddings);
    }
}
