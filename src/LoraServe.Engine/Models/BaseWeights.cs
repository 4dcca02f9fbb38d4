using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using LoraServe.Text.Faults;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>
/// The frozen weights of the base model, one copy for serving, merging and training. Nothing in the engine writes to them;
/// <see cref="Checksum"/> verifies this.
/// </summary>
internal sealed class BaseWeights : IDisposable
{
    private readonly SortedDictionary<string, Tensor> _tensors;
    private readonly ModelConfig _config;

    private BaseWeights(ModelConfig config, SortedDictionary<string, Tensor> tensors, string fingerprint, bool isAsStored)
    {
        _config = config;
        _tensors = tensors;
        Fingerprint = fingerprint;
        LoadedChecksum = isAsStored ? fingerprint : Checksum();
    }

    /// <summary>
    /// SHA-256 over names, shapes, dtypes and bytes of the weights as stored in the checkpoint, lower-case hexadecimal: independent of the
    /// dtype and device of loading.
    /// </summary>
    public string Fingerprint { get; }

    /// <summary>The <see cref="Checksum"/> when they were loaded.</summary>
    public string LoadedChecksum { get; }

    /// <summary>Number of weights.</summary>
    public long Parameters => _tensors.Values.Sum(tensor => tensor.numel());

    /// <summary>Bytes of the weights and biases of all linear modules, the output head included even where it is tied.</summary>
    public long LinearBytes => _config.Modules("").Linears
        .SelectMany(linear => new[] { Weight($"{linear.Path}.weight"), Bias(linear.Path) })
        .OfType<Tensor>()
        .Sum(tensor => tensor.numel() * tensor.element_size());

    /// <summary>The compute dtype, that of every weight.</summary>
    public ScalarType Dtype => Embedding.dtype;

    /// <summary>The device of the weights.</summary>
    public Device Device => Embedding.device;

    /// <summary>[vocabulary, hidden]</summary>
    public Tensor Embedding => _tensors[$"{ModelLayout.Embedding}.weight"];

    /// <summary>The output head, which is the embedding where the configuration ties them.</summary>
    public LoraLinear Head => Linear(ModelLayout.Head);

    /// <summary>Reads every tensor of the configuration and converts it to the compute dtype.</summary>
    /// <param name="config">Decides names and shapes.</param>
    /// <param name="checkpoint">The open files.</param>
    /// <param name="dtype">The compute dtype.</param>
    /// <param name="device">Where to put them.</param>
    /// <param name="progress">Receives the fraction of tensors read, 0 to 1.</param>
    /// <exception cref="InvalidCheckpointException">
    /// Lists every tensor that is missing, unexpected, of a wrong shape or not of a float dtype; thrown before any is read.
    /// </exception>
    public static BaseWeights Load(ModelConfig config, Checkpoint checkpoint, ScalarType dtype, Device device, IProgress<double>? progress)
    {
        var expected = ModelLayout.Tensors(config).ToList();
        Check(config, checkpoint, expected);
        var (tensors, fingerprint, isAsStored) = WeightsReading.Read(expected, checkpoint, dtype, device, progress);
        return new BaseWeights(config, tensors, fingerprint, isAsStored);
    }

    /// <summary>A linear module by its path, with its bias where the checkpoint has one.</summary>
    public LoraLinear Linear(string path) => new(path, Weight($"{path}.weight"), Bias(path));

    /// <summary>The bias [out] of a linear module by its path, or null.</summary>
    public Tensor? Bias(string path) => _tensors.GetValueOrDefault($"{path}.bias");

    /// <summary>A tensor by its name in the checkpoint, a tied head's too: the base's own, not to be written or disposed.</summary>
    public Tensor Weight(string name) =>
        _config.TieWordEmbeddings && name == $"{ModelLayout.Head}.weight" ? Embedding : _tensors[name];

    /// <summary>A norm by its path.</summary>
    public RmsNorm Norm(string path) => new(path, _tensors[$"{path}.weight"], _config.RmsNormEpsilon);

    /// <summary>SHA-256 over names, shapes, dtype and bytes of all weights as they are in memory now, lower-case hexadecimal.</summary>
    public string Checksum()
    {
        using var checksum = BeginChecksum();
        while (checksum.Advance())
        {
        }

        return checksum.Value;
    }

    /// <summary>Begins the same checksum, computed piece by piece.</summary>
    public WeightsChecksum BeginChecksum() => new(_tensors);

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (var tensor in _tensors.Values) tensor.Dispose();
    }

    private static void Check(ModelConfig config, Checkpoint checkpoint, IReadOnlyCollection<(string Name, long[] Shape)> expected)
    {
        var faults = new FaultList(found => new InvalidCheckpointException(checkpoint.Folder, found));
        foreach (var (name, shape) in expected)
        {
            if (!checkpoint.Entries.TryGetValue(name, out var entry))
                faults.Add($"tensor {name} [{string.Join(", ", shape)}] is missing");
            else if (!entry.Shape.SequenceEqual(shape))
                faults.Add($"tensor {name}: expected shape [{string.Join(", ", shape)}], found [{string.Join(", ", entry.Shape)}]");
            else if (!entry.Dtype.IsReadable())
                faults.Add($"tensor {name}: expected F32, F16 or BF16, found {entry.Dtype}");
        }

        // A tensor that the model would not use means that it was made for another model. Old files repeat the rotary frequencies, and
        // some a tied head.
        var known = expected.Select(tensor => tensor.Name).ToHashSet();
        if (config.TieWordEmbeddings) known.Add($"{ModelLayout.Head}.weight");
        faults.AddRange(checkpoint.Entries.Keys
            .Where(name => !known.Contains(name) && !name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal))
            .Select(name => $"tensor {name} has no place in a {config.ModelType} of this configuration"));
        faults.ThrowIfAny();
    }
}
