using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;

namespace LoraServe.Engine.Peft;

/// <summary>
/// The tensors of an adapter file by module and role. Matching removes them one by one; tensors left at the end are
/// faults, which PEFT would silently ignore.
/// </summary>
internal sealed class PeftTensors
{
    private readonly ModelModules _modules;
    private readonly PeftFaults _faults;
    private readonly Dictionary<(string Path, PeftRole Role), SafetensorsEntry> _entries = [];
    private readonly HashSet<(string Path, PeftRole Role)> _taken = [];
    private readonly List<string> _missing = [];

    public PeftTensors(SafetensorsFile file, ModelModules modules, PeftFaults faults)
    {
        (FileName, _modules, _faults) = (file.FileName, modules, faults);
        if (file.Entries.Count == 0) Fault("no tensors");
        foreach (var entry in file.Entries.Values)
        {
            var (path, role) = PeftTensorName.Parse(entry.Name);
            if (!_entries.TryAdd((path, role), entry) && IsUnique(role))
                Fault($"'{_entries[(path, role)].Name}' and '{entry.Name}' are both the {role} of {path}");
            if (!entry.Dtype.IsReadable()) Fault($"'{entry.Name}': expected F32, F16 or BF16, found {entry.Dtype}");
        }
    }

    public string FileName { get; }

    /// <summary>The tensors not matched so far.</summary>
    public IEnumerable<(string Path, PeftRole Role, SafetensorsEntry Entry)> Left =>
        _entries.Where(pair => !_taken.Contains(pair.Key)).Select(pair => (pair.Key.Path, pair.Key.Role, pair.Value));

    /// <summary>
    /// Takes a required tensor of this shape; null if there is none. A wrong shape is a fault at once, a missing tensor is reported by
    /// <see cref="ReportMissing"/>.
    /// </summary>
    /// <param name="path">The module.</param>
    /// <param name="role">The role of the tensor.</param>
    /// <param name="because">Why it is required.</param>
    /// <param name="shape">Its shape.</param>
    public SafetensorsEntry? Require(string path, PeftRole role, string because, params long[] shape)
    {
        if (Has(path, role)) return Take(path, role, shape);
        _missing.Add($"{Name(role)} of {path} is missing, {because}");
        return null;
    }

    /// <summary>Takes an optional tensor; a wrong shape is a fault, and the result null.</summary>
    public SafetensorsEntry? Take(string path, PeftRole role, params long[] shape)
    {
        if (!_entries.TryGetValue((path, role), out var entry)) return null;
        _taken.Add((path, role));
        if (entry.Shape.SequenceEqual(shape)) return entry;
        var (expected, found) = (string.Join(", ", shape), string.Join(", ", entry.Shape));
        Fault($"{Name(role)} of {path}: expected [{expected}], found [{found}]{Hint(path, entry, shape)}");
        return null;
    }

    public bool Has(string path, PeftRole role) => _entries.ContainsKey((path, role));

    /// <summary>Reports required tensors that are missing; call after reporting unmatched ones, as their names often explain why.</summary>
    public void ReportMissing()
    {
        foreach (var fault in _missing) Fault(fault);
    }

    /// <summary>Adds a fault of the file.</summary>
    public void Fault(string fault) => _faults.Incompatible($"{FileName}: {fault}");

    // A whole weight with another number of rows is the result of resize_token_embeddings.
    private string Hint(string path, SafetensorsEntry entry, long[] shape) =>
        (path == _modules.Head || path == _modules.Embedding.Path)
        && shape.Length == 2 && entry.Shape.Count == 2 && shape[1] == entry.Shape[1] && shape[1] == _modules.HeadModule.InFeatures
            ? ": the vocabulary was resized for training, resize the base in the same way and serve that"
            : "";

    // Tensors of foreign layouts are only counted.
    private static bool IsUnique(PeftRole role) => role < PeftRole.Mlx;

    private static string Name(PeftRole role) => role switch
    {
        PeftRole.LoraA => "lora_A",
        PeftRole.LoraB => "lora_B",
        PeftRole.LoraBias => "the bias of lora_B",
        PeftRole.EmbeddingA => "lora_embedding_A",
        PeftRole.EmbeddingB => "lora_embedding_B",
        PeftRole.Magnitude => "lora_magnitude_vector",
        PeftRole.TokenRows => "trainable_tokens_delta",
        PeftRole.Weight => "the weight",
        PeftRole.Bias => "the bias",
        PeftRole.BaseWeight => "the copy of the base's weight",
        _ => "the base's bias",
    };
}
