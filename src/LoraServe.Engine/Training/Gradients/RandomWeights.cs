using LoraServe.Engine.Checkpoints;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// The weights of a model that has learnt nothing, as transformers starts them: normally distributed with standard deviation 0.02, norms 1,
/// biases 0. They are a function of the seed alone.
/// </summary>
internal static class RandomWeights
{
    private const double Deviation = 0.02;

    /// <summary>One tensor in float32; the caller owns it.</summary>
    /// <param name="config">Decides names and shapes.</param>
    /// <param name="seed">The start.</param>
    /// <param name="name">One of <see cref="ModelLayout.Tensors"/>.</param>
    public static Tensor Draw(ModelConfig config, long seed, string name)
    {
        var tensors = ModelLayout.Tensors(config).ToList();
        var index = tensors.FindIndex(tensor => tensor.Name == name);
        var shape = tensors[index].Shape;
        if (name.EndsWith(".bias", StringComparison.Ordinal)) return zeros(shape, ScalarType.Float32);
        if (shape.Length == 1) return ones(shape, ScalarType.Float32);

        var random = new CounterRandom(seed, index);
        var values = new float[shape[0] * shape[1]];
        for (var i = 0; i < values.Length; i++) values[i] = (float)(Deviation * random.Normal(i));
        return tensor(values, shape);
    }

    /// <summary>Writes a checkpoint with such weights, to be loaded as a base.</summary>
    /// <param name="source">Folder with the configuration and the tokenizer.</param>
    /// <param name="folder">There and empty.</param>
    /// <param name="seed">The start.</param>
    /// <exception cref="InvalidCheckpointException">The configuration cannot be read.</exception>
    public static void WriteCheckpoint(string source, string folder, long seed)
    {
        var config = ModelConfig.Load(source);
        CheckpointWriter.Write(
            source, folder, ModelLayout.Tensors(config), name => Draw(config, seed, name), "float32", config.TieWordEmbeddings);
    }
}
