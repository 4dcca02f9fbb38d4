using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using static TorchSharp.torch;

namespace LoraServe.Engine.Merging;

/// <summary>
/// Writes a checkpoint of a base model with an adapter merged into it, for servers without adapters: PEFT's merge_and_unload, computed in
/// float32 from the files and rounded once.
/// </summary>
public static class MergedCheckpoint
{
    /// <summary>Writes a checkpoint in the format of Hugging Face, which appears complete or not at all.</summary>
    /// <param name="model">Folder of the base model.</param>
    /// <param name="adapter">Folder of the PEFT adapter.</param>
    /// <param name="folder">Where to write it: absent or empty.</param>
    /// <param name="dtype">float32 or bfloat16.</param>
    /// <exception cref="InvalidCheckpointException">The model's folder cannot be read.</exception>
    /// <exception cref="InvalidAdapterException">The adapter does not fit the model or cannot be merged.</exception>
    /// <exception cref="IOException">The folder is not empty, or cannot be written.</exception>
    public static void Write(string model, string adapter, string folder, string dtype)
    {
        NativeLibraries.Load();
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        CheckEmpty(target);
        var type = ComputeDtype.Parse(dtype);
        using var noGradient = no_grad();
        var config = ModelConfig.Load(model);
        using var checkpoint = Checkpoint.Open(model);
        using var weights = BaseWeights.Load(config, checkpoint, ScalarType.Float32, CPU, progress: null);
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model)));
        var admission = new AdapterAdmission(config.Modules(name), weights.Weight, maxRank: int.MaxValue, ScalarType.Float32);
        using var peft = admission.Open(adapter, allowNoEffect: true);
        if (peft.Config.InvocationTokens.Count > 0)
        {
            throw Refused(
                "alora_invocation_tokens: an activated LoRA acts on a part of the text only, which no merged weights do: serve it as an adapter");
        }

        using var loaded = peft.Load(ScalarType.Float32, CPU, weights.Weight);
        var merged = new MergedWeights(config, weights, loaded);
        if (merged.NewBiases.ToList() is [var first, ..] biases)
        {
            throw Refused(
                $"lora_bias: {first} and {biases.Count - 1} more modules have no bias in the base, and a {config.ModelType} has no place for one");
        }

        var temporary = Directory.CreateDirectory($"{target}.{Guid.NewGuid():N}.tmp").FullName;
        try
        {
            CheckpointWriter.Write(model, temporary, merged.Tensors, Read, dtype, merged.TiesHead);
            if (Directory.Exists(target)) Directory.Delete(target);
            Directory.Move(temporary, target);
        }
        finally
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }

        Tensor Read(string tensor)
        {
            using var wide = merged.Merge(tensor);
            return wide.to(type, copy: true);
        }
    }

    private static void CheckEmpty(string folder)
    {
        if (File.Exists(folder)) throw new IOException($"{folder} is a file; name a folder that is absent or empty.");
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new IOException($"{folder} is not empty; name a folder that is absent or empty.");
    }

    private static InvalidAdapterException Refused(string fault) => new(AdapterFault.Incompatible, [fault]);
}
