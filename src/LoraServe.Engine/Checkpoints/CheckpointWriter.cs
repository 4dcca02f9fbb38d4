using System.Text.Json;
using System.Text.Json.Nodes;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Storage;
using static TorchSharp.torch;

namespace LoraServe.Engine.Checkpoints;

/// <summary>Writes a checkpoint derived from another one, in the layout of transformers.</summary>
internal static class CheckpointWriter
{
    private const string ConfigFile = "config.json";

    // The default max_shard_size of transformers' save_pretrained, in bytes.
    private const long MaxShardBytes = 5_000_000_000;

    private static readonly string[] CopiedFiles =
    [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
        "tokenizer.model", "chat_template.jinja", "chat_template.json", "generation_config.json",
    ];

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes all files durably.</summary>
    /// <param name="source">The folder of the checkpoint from which configuration and tokenizer are copied.</param>
    /// <param name="folder">The target folder; must exist and be empty.</param>
    /// <param name="tensors">Names and shapes.</param>
    /// <param name="read">Makes a tensor by name, in the dtype to be stored; it is disposed here.</param>
    /// <param name="dtype">float32 or bfloat16, to be written to the configuration.</param>
    /// <param name="tiesHead">Whether the output head is the embedding.</param>
    public static void Write(
        string source, string folder, IEnumerable<(string Name, long[] Shape)> tensors, Func<string, Tensor> read, string dtype, bool tiesHead)
    {
        foreach (var name in CopiedFiles.Where(name => File.Exists(Path.Combine(source, name))))
            Write(Path.Combine(folder, name), File.ReadAllBytes(Path.Combine(source, name)));
        WriteConfig(source, folder, dtype, tiesHead);
        WriteShards(folder, Shards([.. tensors], dtype == "float32" ? sizeof(float) : sizeof(ushort)), read);
    }

    private static void WriteConfig(string source, string folder, string dtype, bool tiesHead)
    {
        var config = JsonNode.Parse(File.ReadAllBytes(Path.Combine(source, ConfigFile)))!.AsObject();
        // Older versions of transformers read only the old name of the field, newer ones both.
        config[config.ContainsKey("torch_dtype") ? "torch_dtype" : "dtype"] = dtype;
        config["tie_word_embeddings"] = tiesHead;
        Write(Path.Combine(folder, ConfigFile), JsonSerializer.SerializeToUtf8Bytes(config, Indented));
    }

    private static void Write(string path, byte[] bytes)
    {
        File.WriteAllBytes(path, bytes);
        DurableDisk.FlushFile(path);
    }

    private static List<List<string>> Shards(IReadOnlyList<(string Name, long[] Shape)> tensors, int elementSize)
    {
        var shards = new List<List<string>> { new() };
        var bytes = 0L;
        foreach (var (name, shape) in tensors)
        {
            var size = shape.Aggregate((long)elementSize, (product, dimension) => product * dimension);
            if (bytes > 0 && bytes + size > MaxShardBytes)
            {
                shards.Add([]);
                bytes = 0;
            }

            shards[^1].Add(name);
            bytes += size;
        }

        return shards;
    }

    private static void WriteShards(string folder, List<List<string>> shards, Func<string, Tensor> read)
    {
        var metadata = new Dictionary<string, string> { ["format"] = "pt" };
        var index = new JsonObject();
        var total = 0L;
        for (var i = 0; i < shards.Count; i++)
        {
            using var scope = NewDisposeScope();
            var file = shards.Count == 1 ? Checkpoint.SingleFile : $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors";
            var tensors = shards[i].ToDictionary(name => name, read, StringComparer.Ordinal);
            SafetensorsWriter.Write(Path.Combine(folder, file), tensors, metadata);
            foreach (var name in shards[i]) index[name] = file;
            total += tensors.Values.Sum(tensor => tensor.numel() * tensor.element_size());
        }

        if (shards.Count == 1) return;
        var json = new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = total }, ["weight_map"] = index };
        Write(Path.Combine(folder, Checkpoint.IndexFile), JsonSerializer.SerializeToUtf8Bytes(json, Indented));
    }
}
