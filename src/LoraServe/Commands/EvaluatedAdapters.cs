using LoraServe.Text.Files;

namespace LoraServe.Commands;

/// <summary>Folders of adapters under names of their own, so that an engine can load them wherever they are.</summary>
internal static class EvaluatedAdapters
{
    private static readonly string[] Kinds = [".json", ".safetensors", ".jinja"];

    /// <summary>Copies the files of adapters into sub-folders.</summary>
    /// <param name="folders">PEFT folders.</param>
    /// <param name="root">Where the sub-folders are made.</param>
    /// <returns>Their names, in the order of the folders.</returns>
    /// <exception cref="DirectoryNotFoundException">A folder is not there.</exception>
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

    /// <summary>A folder's name for a person: the parent's too where a training called it "adapter".</summary>
    public static string Title(string folder)
    {
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var name = Path.GetFileName(path);
        return name == "adapter" ? $"{Path.GetFileName(Path.GetDirectoryName(path))}/{name}" : name;
    }
}
