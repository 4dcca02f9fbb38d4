using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace LoraServe.Benchmarks.Hostile;

/// <summary>Invalid uploads of adapters: mutated PEFT folders in valid archives, and garbage.</summary>
/// <param name="folder">A valid PEFT folder.</param>
/// <param name="random">Chooses the mutations.</param>
/// <param name="values">Values for fields of adapter_config.json.</param>
internal sealed class HostileArchives(string folder, Random random, HostileValues values)
{
    private const int BombBytes = 64 << 20;

    private static readonly string[] Fields =
    [
        "r", "lora_alpha", "target_modules", "exclude_modules", "rank_pattern", "alpha_pattern", "modules_to_save", "layers_to_transform",
        "layers_pattern", "trainable_token_indices", "bias", "peft_type", "task_type", "init_lora_weights", "use_dora", "base_model_name_or_path",
    ];

    private static readonly string[] Paths =
        ["../adapter_config.json", "/etc/passwd", "a/b/adapter_config.json", "adapter_config.json", "adapter_model.bin", "\u202egpj.json", "con", "a\nb"];

    private readonly byte[] _config = File.ReadAllBytes(Path.Combine(folder, "adapter_config.json"));
    private readonly byte[] _tensors = File.ReadAllBytes(Path.Combine(folder, "adapter_model.safetensors"));

    /// <summary>The bytes of an upload.</summary>
    public byte[] Next()
    {
        if (random.Next(5) == 0) return Garbage();
        List<(string Path, byte[] Content)> files = [("adapter_config.json", Config()), ("adapter_model.safetensors", Tensors())];
        if (random.Next(4) == 0) files.Add((Paths[random.Next(Paths.Length)], [1, 2, 3]));
        if (random.Next(6) == 0) files.RemoveAt(random.Next(files.Count));
        if (random.Next(8) == 0) files.Add(("tokenizer_config.json", Encoding.UTF8.GetBytes($$"""{"chat_template": {{values.Next()}}}""")));
        if (random.Next(20) == 0) files.Add(("zeros.bin", new byte[BombBytes]));
        var archive = random.Next(3) switch { 0 => Zip(files), 1 => Tar(files), _ => Compress(Tar(files)) };
        return random.Next(6) == 0 ? archive[..random.Next(archive.Length)] : archive;
    }

    private byte[] Garbage()
    {
        var bytes = new byte[values.Bytes()];
        random.NextBytes(bytes);
        byte[][] starts = [[], [0x50, 0x4B, 3, 4], [0x1F, 0x8B, 8, 0], "version https://git-lfs.github.com/spec/v1\n"u8.ToArray()];
        return [.. starts[random.Next(starts.Length)], .. bytes];
    }

    private byte[] Config()
    {
        if (random.Next(3) == 0) return _config;
        var text = Encoding.UTF8.GetString(_config).TrimEnd().TrimEnd('}');
        var field = random.Next(5) == 0 ? values.Name() : Fields[random.Next(Fields.Length)];
        // Renames the existing field, since a second one of the same name would be a different fault.
        return Encoding.UTF8.GetBytes($"{text.Replace($"\"{field}\":", $"\"was {field.Length}\":", StringComparison.Ordinal)}, \"{field}\": {values.Next()}}}");
    }

    private byte[] Tensors()
    {
        var bytes = (byte[])_tensors.Clone();
        switch (random.Next(6))
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1:
                random.NextBytes(bytes.AsSpan(0, 8));
                return bytes;
            case 2:
                // In the JSON header, after its 8-byte length.
                for (var i = 0; i < 8; i++) bytes[8 + random.Next(Math.Min(2000, bytes.Length - 8))] = (byte)random.Next(256);
                return bytes;
            case 3:
                for (var i = 0; i < 8; i++) bytes[random.Next(bytes.Length)] = 0xFF;
                return bytes;
            case 4:
                var header = Encoding.UTF8.GetBytes(values.Next());
                return [.. BitConverter.GetBytes((long)header.Length), .. header, 0, 0, 0, 0];
            default:
                return bytes;
        }
    }

    private static byte[] Zip(List<(string Path, byte[] Content)> files)
    {
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (path, content) in files)
            {
                using var entry = zip.CreateEntry(path, CompressionLevel.Fastest).Open();
                entry.Write(content);
            }
        }

        return stream.ToArray();
    }

    private static byte[] Tar(List<(string Path, byte[] Content)> files)
    {
        var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var (path, content) in files)
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path) { DataStream = new MemoryStream(content) });
        }

        return stream.ToArray();
    }

    private static byte[] Compress(byte[] bytes)
    {
        var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(bytes);
        return stream.ToArray();
    }
}
