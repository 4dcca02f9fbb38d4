using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Training.Gradients;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training;

/// <content>Writing what was trained.</content>
public sealed partial class LoraTrainer
{
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
