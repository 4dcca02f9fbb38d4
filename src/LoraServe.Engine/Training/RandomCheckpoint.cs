using System.Text.Json;
using LoraServe.Engine.Checkpoints;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training;

/// <summary>
/// Writes a checkpoint of untrained weights for a model's configuration, so that a full training can create a small model from scratch: linear
/// modules and the embedding are drawn from a normal distribution, biases are 0 and norms are 1, as transformers does it.
/// </summary>
public static class RandomCheckpoint
{
    private const string DeviationField = "initializer_range";
    private const double DefaultDeviation = 0.02;

    /// <summary>Writes it in float32.</summary>
    /// <param name="model">Folder with config.json and the tokenizer; weights are not read.</param>
    /// <param name="folder">Must exist and be empty.</param>
    /// <param name="seed">The same seed draws the same weights.</param>
    /// <exception cref="InvalidCheckpointException">The configuration cannot be read.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(string model, string folder, long seed)
    {
        NativeLibraries.Load();
        using var noGradient = no_grad();
        var config = ModelConfig.Load(model);
        var modules = config.Modules("random");
        var deviation = Deviation(model);
        using var generator = new Generator((ulong)seed, CPU);
        var shapes = modules.Shapes().Where(tensor => !modules.TiesHead || tensor.Key != $"{modules.Head}.weight")
            .Select(tensor => (tensor.Key, tensor.Value)).ToList();
        CheckpointWriter.Write(model, folder, shapes, Draw, "float32", modules.TiesHead);

        Tensor Draw(string name)
        {
            var shape = shapes.Find(tensor => tensor.Key == name).Value;
            if (modules.Norms.ContainsKey(name[..name.LastIndexOf('.')])) return ones(shape);
            if (name.EndsWith(".bias", StringComparison.Ordinal)) return zeros(shape);
            return empty(shape).normal_(0, deviation, generator);
        }
    }

    private static double Deviation(string model)
    {
        using var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(model, "config.json")));
        return config.RootElement.TryGetProperty(DeviationField, out var value) && value.TryGetDouble(out var deviation) && deviation > 0
            ? deviation
            : DefaultDeviation;
    }
}
