using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training.Gradients;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Saving;

/// <summary>Writes a fully trained model as a checkpoint, with the other files of the model it started from.</summary>
internal static class ModelWriter
{
    /// <summary>Writes it durably, while nothing writes to the parameters.</summary>
    /// <param name="folder">Must exist and be empty.</param>
    /// <param name="parameters">All weights.</param>
    /// <param name="dtype">float32 or bfloat16.</param>
    /// <param name="engine">Has the model that the training started from.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(string folder, IReadOnlyList<TrainedParameter> parameters, string dtype, LlmEngine engine)
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
