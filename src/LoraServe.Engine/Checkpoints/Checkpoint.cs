using System.Text.Json;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Text.Faults;
using LoraServe.Text.Files;
using static TorchSharp.torch;

namespace LoraServe.Engine.Checkpoints;

/// <summary>The tensors of a model's folder: model.safetensors, or the shards that model.safetensors.index.json lists.</summary>
internal sealed class Checkpoint : IDisposable
{
    /// <summary>The tensor file of an unsharded checkpoint.</summary>
    public const string SingleFile = "model.safetensors";

    /// <summary>The index of a sharded checkpoint: which file holds which tensor.</summary>
    public const string IndexFile = "model.safetensors.index.json";

    private readonly Dictionary<string, SafetensorsFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _fileOf = new(StringComparer.Ordinal);

    private Checkpoint(string folder) => Folder = folder;

    /// <summary>The folder of the files.</summary>
    public string Folder { get; }

    /// <summary>Every tensor by its name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <summary>Maps the files and checks them against the index.</summary>
    /// <exception cref="InvalidCheckpointException">Lists every file and tensor that is missing, broken or duplicated.</exception>
    public static Checkpoint Open(string folder)
    {
        var checkpoint = new Checkpoint(folder);
        var faults = new FaultList(refuse: null);
        if (File.Exists(Path.Combine(folder, SingleFile))) checkpoint.Add(SingleFile, faults);
        else if (File.Exists(Path.Combine(folder, IndexFile))) checkpoint.AddShards(faults);
        else faults.Add(
            $"expected {SingleFile} or {IndexFile}, found neither (.bin, .pt and .gguf files are not read: convert them to safetensors)");
        if (!faults.Any) return checkpoint;

        checkpoint.Dispose();
        throw new InvalidCheckpointException(folder, faults.Kept);
    }

    /// <summary>A copy of a tensor in its stored dtype; see <see cref="SafetensorsFile.Read(string)"/>.</summary>
    public Tensor Read(string name) => _files[_fileOf[name]].Read(name);

    /// <summary>See <see cref="SafetensorsFile.ReadInto"/>.</summary>
    public void ReadInto(string name, Tensor target) => _files[_fileOf[name]].ReadInto(name, target);

    /// <summary>Unmaps the files.</summary>
    public void Dispose()
    {
        foreach (var file in _files.Values) file.Dispose();
    }

    private void AddShards(FaultList faults)
    {
        var index = ReadIndex(faults);
        foreach (var shard in index.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            // The index is untrusted input: it must not name files outside the folder.
            if (shard != Path.GetFileName(shard) || shard.Contains('\\') || shard is "" or "." or "..")
                faults.Add($"{IndexFile}: weight_map: '{shard}' is not a plain file name");
            else if (!File.Exists(Path.Combine(Folder, shard)))
                faults.Add($"{shard} is missing, {IndexFile} names it");
            else
                Add(shard, faults);
        }

        if (faults.Any) return;
        foreach (var (name, shard) in index.Where(pair => _fileOf.GetValueOrDefault(pair.Key) != pair.Value))
            faults.Add($"tensor {name} is not in {shard}, where {IndexFile} puts it");
    }

    private Dictionary<string, string> ReadIndex(FaultList faults)
    {
        try
        {
            var bytes = RegularFile.ReadAllBytes(Path.Combine(Folder, IndexFile));
            if (GitLfsPointer.Is(bytes))
            {
                faults.Add($"{IndexFile}: {GitLfsPointer.Fault}");
                return [];
            }

            using var json = JsonDocument.Parse(bytes);
            return json.RootElement.GetProperty("weight_map").Deserialize<Dictionary<string, string?>>()!
                .ToDictionary(pair => pair.Key, pair => pair.Value ?? "", StringComparer.Ordinal);
        }
        catch (IOException e)
        {
            faults.Add(e.Message);
            return [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or ArgumentNullException)
        {
            faults.Add($"{IndexFile}: expected {{\"weight_map\": {{tensor: file}}}}: {e.Message}");
            return [];
        }
    }

    private void Add(string fileName, FaultList faults)
    {
        try
        {
            var file = SafetensorsFile.Open(Path.Combine(Folder, fileName));
            _files.Add(fileName, file);
            foreach (var (name, entry) in file.Entries)
            {
                if (_entries.TryAdd(name, entry)) _fileOf.Add(name, fileName);
                else faults.Add($"tensor {name} is in {_fileOf[name]} and in {fileName}");
            }
        }
        catch (Exception e) when (e is InvalidSafetensorsException or IOException)
        {
            faults.Add(e.Message);
        }
    }
}
