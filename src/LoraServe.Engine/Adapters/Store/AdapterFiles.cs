using System.Text;
using LoraServe.Engine.Peft;
using LoraServe.Text.Templates;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>The files of an adapter's folder that matter here; all others are ignored.</summary>
internal static class AdapterFiles
{
    public const string Config = PeftConfig.FileName;
    public const string Tensors = PeftAdapter.TensorFileName;

    /// <summary>Files in which an adapter may bring a chat template of its own.</summary>
    public static readonly IReadOnlyList<string> Templates = [ChatTemplateFiles.TemplateFile, ChatTemplateFiles.ConfigFile];

    // A longer name cannot be stored, and no PEFT folder on a disk can have it.
    private const int MaxNameBytes = 255;

    private static readonly string[] WeightExtensions = [".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".pkl"];

    /// <summary>Copies the chat templates of a folder, if it has any, into another that has none.</summary>
    public static void CopyTemplates(string from, string to)
    {
        foreach (var file in Templates.Where(file => File.Exists(Path.Combine(from, file)))) File.Copy(Path.Combine(from, file), Path.Combine(to, file));
    }

    /// <summary>Whether the content of this file is kept.</summary>
    public static bool IsKept(string fileName) => fileName is Config or Tensors || Templates.Contains(fileName);

    /// <summary>
    /// Whether it holds weights in another layout or format, such as a pickle. An empty file is stored in its place, so that validation can refuse it
    /// by name and no code can open it.
    /// </summary>
    public static bool IsForeign(string fileName) =>
        !IsKept(fileName)
        && Encoding.UTF8.GetByteCount(fileName) <= MaxNameBytes
        && WeightExtensions.Contains(Path.GetExtension(fileName), StringComparer.OrdinalIgnoreCase);
}
