using LoraServe.Text.Files;

namespace LoraServe.Commands;

/// <summary>Gives adapter folders unique names below one root, so that an engine can load them wherever they are.</summary>
internal static class EvaluatedAdapters
{
    private static readonly string[] Kinds = [".json", ".safetensors", ".jinja"];

    /// <summary>Copies adapters into subfolders.</summary>
    /// <param name="folders">PEFT folders.</param>
    /// <param name="root">Parent of the subfolders.</param>
    /// <returns>Their names, in the order of the folders.</returns>
    /// <exception cref="DirectoryNotFoundException">A folder does not exist.</exception>
    public static IReadOnlyList<string> Copy(IReadOnlyList<string> folders, string root)
    {
        var missing = folders.Where(folder => !Directory.Exists(folder)).ToList();
        if (missing.Count > 0) throw new DirectoryNotFoundException($"--adapter: expected folders that exist, found {string.Join(", ", missing)}");
        var names = folders.Select((_, i) => $"adapter-{i + 1}").ToList();
        foreach (var (name, folder) in names.Zip(folders))
        {
            var target = Directory.CreateDirectory(Path.Combine(root, name)).FullName;
            foreach (var file in Directory.EnumerateFiles(folder).Where(file => Kinds.Contains(Path.GetExtension(file))))
            {
                RegularFile.Check(file);
                File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
            }
        }

        return names;
    }

    /// <summary>A folder's display name, with the parent's where a training named it "adapter".</summary>
    public static string Title(string folder)
    {
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var name = Path.GetFileName(path);
        return name == "adapter" ? $"{Path.GetFileName(Path.GetDirectoryName(path))}/{name}" : name;
    }
}
