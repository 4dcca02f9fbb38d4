using System.Text.RegularExpressions;

namespace LoraServe.Hosting;

/// <summary>Recognises what a path given as --model is, without reading it.</summary>
internal static partial class ModelFolder
{
    private const string Config = "config.json";
    private const string UseOriginal = "GGUF is not supported; name the folder of the original checkpoint, with config.json and safetensors files";

    private static ReadOnlySpan<byte> GgufMagic => "GGUF"u8;

    /// <summary>What was expected, what the path is instead and what to do; null for a folder that may hold a model.</summary>
    public static string? Fault(string path)
    {
        if (Directory.Exists(path)) return FolderFault(path);
        if (File.Exists(path))
        {
            return IsGguf(path)
                ? $"expected a folder, found the GGUF file '{path}': {UseOriginal}"
                : $"expected a folder, found the file '{path}': name the folder with config.json";
        }

        return $"expected a folder that exists, found '{path}'{HubHint(path)}";
    }

    /// <summary>What to do with a missing path that looks like a Hugging Face hub id; empty otherwise.</summary>
    public static string HubHint(string path) => HubId().IsMatch(path)
        ? ". If that is of the Hugging Face hub, fetch it first, since LoraServe downloads nothing: "
            + $"`hf download {path} --local-dir {path[(path.IndexOf('/') + 1)..]}`, then name that folder"
        : "";

    private static string? FolderFault(string path)
    {
        if (File.Exists(Path.Combine(path, Config))) return null;
        if (File.Exists(Path.Combine(path, "adapter_config.json")))
            return $"expected the folder of a base model, found the PEFT adapter '{path}': adapters are uploaded, or lie in the folder of --adapters";
        // The layout of the hub client's cache.
        if (Directory.Exists(Path.Combine(path, "snapshots")))
            return $"expected a folder with {Config}, found '{path}', which is of the hub's cache: name the folder of one version below its snapshots";
        try
        {
            return Directory.EnumerateFiles(path, "*.gguf").FirstOrDefault() is { } gguf
                ? $"expected a folder with {Config}, found '{path}' with the GGUF file {Path.GetFileName(gguf)}: {UseOriginal}"
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"expected a folder that can be read, found '{path}': {e.Message} Give the user that runs LoraServe the right to read it";
        }
    }

    private static bool IsGguf(string path)
    {
        if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)) return true;
        try
        {
            // A pipe has no length, and reading it could block forever.
            if (new FileInfo(path).Length < GgufMagic.Length) return false;
            using var file = File.OpenRead(path);
            Span<byte> start = stackalloc byte[GgufMagic.Length];
            return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual(GgufMagic);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex HubId();
}
