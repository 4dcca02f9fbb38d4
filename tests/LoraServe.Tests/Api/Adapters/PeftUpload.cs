using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;

namespace LoraServe.Tests.Api.Adapters;

/// <summary>The demo's sql adapter as files in memory, to be changed before it is sent.</summary>
internal sealed class PeftUpload
{
    private const string Tensors = "adapter_model.safetensors";
    private const string Config = "adapter_config.json";

    private readonly Dictionary<string, byte[]> _files = Directory.GetFiles(Repository.Golden("demo", "adapters", "sql"))
        .ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes);

    /// <summary>Changes a field of adapter_config.json.</summary>
    public PeftUpload Set(string field, JsonNode? value)
    {
        var config = JsonNode.Parse(_files[Config])!.AsObject();
        config[field] = value;
        return Put(Config, Encoding.UTF8.GetBytes(config.ToJsonString()));
    }

    /// <summary>Adds or replaces a file, in a folder perhaps.</summary>
    public PeftUpload Put(string path, byte[] content)
    {
        _files[path] = content;
        return this;
    }

    /// <summary>Gives other names to the tensors.</summary>
    public PeftUpload Rename(Func<string, string> rename)
    {
        var (header, data) = Read(_files[Tensors]);
        var renamed = new JsonObject();
        foreach (var (name, entry) in header) renamed[name == "__metadata__" ? name : rename(name)] = entry?.DeepClone();
        return Put(Tensors, Write(renamed, data));
    }

    /// <summary>Adds a tensor of the demo's base under a name, one of its bytes changed perhaps.</summary>
    public PeftUpload AddOfBase(string baseName, string name, bool isChanged)
    {
        var (baseHeader, baseData) = Read(File.ReadAllBytes(Repository.File("src", "LoraServe", "Demo", "base", "model.safetensors")));
        var (header, data) = Read(_files[Tensors]);
        var source = baseHeader[baseName]!.AsObject();
        var offsets = source["data_offsets"]!.AsArray().Select(offset => (int)offset!).ToArray();
        var bytes = baseData[offsets[0]..offsets[1]];
        if (isChanged) bytes[0] ^= 1;
        header[name] = new JsonObject
        {
            ["dtype"] = source["dtype"]!.DeepClone(),
            ["shape"] = source["shape"]!.DeepClone(),
            ["data_offsets"] = new JsonArray(data.Length, data.Length + bytes.Length),
        };
        return Put(Tensors, Write(header, [.. data, .. bytes]));
    }

    /// <summary>A zip of the files.</summary>
    public byte[] Zip()
    {
        using var archive = new MemoryStream();
        using (var zip = new ZipArchive(archive, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (path, content) in _files)
            {
                using var entry = zip.CreateEntry(path).Open();
                entry.Write(content);
            }
        }

        return archive.ToArray();
    }

    private static (JsonObject Header, byte[] Data) Read(byte[] file)
    {
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        return (JsonNode.Parse(file.AsSpan(8, length))!.AsObject(), file[(8 + length)..]);
    }

    private static byte[] Write(JsonObject header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        var length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)json.Length);
        return [.. length, .. json, .. data];
    }
}
