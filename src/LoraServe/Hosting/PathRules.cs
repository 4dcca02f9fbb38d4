using System.CommandLine;

namespace LoraServe.Hosting;

/// <summary>Checks of paths given to commands, before anything slow begins.</summary>
internal static class PathRules
{
    /// <summary>A file to read.</summary>
    public static string? FileFault(string path) =>
        File.Exists(path) ? null
        : Directory.Exists(path) ? $"expected a file, found the folder '{path}'"
        : $"expected a file that exists, found '{path}'";

    /// <summary>The folder of a PEFT adapter.</summary>
    public static string? AdapterFault(string path) =>
        Directory.Exists(path) ? null
        : File.Exists(path) ? $"expected the folder of a PEFT adapter, found the file '{path}'"
        : $"expected the folder of a PEFT adapter, found '{path}', which does not exist{ModelFolder.HubHint(path)}";

    /// <summary>A file to write, in a folder that exists.</summary>
    public static string? OutputFault(string path) =>
        Directory.Exists(path) ? $"expected a file, found the folder '{path}'"
        : Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path))) ? null
        : $"expected a file in a folder that exists, found '{path}'";

    /// <summary>Makes an option reject invalid texts.</summary>
    /// <param name="option">An option of texts.</param>
    /// <param name="fault">What is wrong with a text, or null.</param>
    /// <returns>The option.</returns>
    public static Option<T> WithRule<T>(this Option<T> option, Func<string, string?> fault)
    {
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
            {
                if (fault(token.Value) is { } found) result.AddError($"{option.Name}: {found}");
            }
        });
        return option;
    }
}
